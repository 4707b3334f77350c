import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { handArrivals } from './by-hand.ts';
import type { LoggedRequest } from './servers/open.ts';
import type { CrashWorld } from './world.ts';

export interface RowFact {
  id: number;
  key: string;
  state: string;
  attempts: number;
  code: string | null;
  upload: number | null;
}

/** What a ledger says between two lives, read from a copy: the recovery of the original is left to the product. */
export interface LedgerFacts {
  /** Rises each time a process opens the ledger to execute. */
  epoch: number;
  rows: RowFact[];
  /** Attempts without a clear answer, by delivery. */
  unclear: Map<number, number>;
  integrity: string;
  processings: { id: number; job: string; name: string; state: string; account: string | null; revision: number }[];
  publications: { processing: number; revision: number; target: string; sha256: string; publishedAs: string | null }[];
  decisions: number;
  /** Share links, by person. */
  links: ReadonlyMap<string, string>;
  /** Text that is somewhere in its files. */
  holds(text: string): boolean;
}

export interface Facts {
  ledger: LedgerFacts | undefined;
  /** Events that arrived one by one, and rows that arrived in files, in order. */
  arrivals: LoggedRequest[];
  requests: LoggedRequest[];
  inbox: string[];
}

export function lookAt(world: CrashWorld): Facts {
  const requests = world.servers.requests();
  return {
    ledger: ledgerFacts(world),
    requests,
    arrivals: [...requests.filter(isArrival), ...handArrivals(world.root)],
    inbox: world.files('inbox'),
  };
}

function isArrival({ method, path, body }: LoggedRequest): boolean {
  if (method === 'ROW') return true;
  return method === 'POST' && /^\/v[56]\/(async-)?events(\/|\?|$)/.test(path) && body?.data?.container !== 'test';
}

export const keyOf = ({ body }: LoggedRequest): string => body.data?.partner_conversion_id ?? '';

/** States in which a row is not final and nobody has to decide about it. */
const OPEN = new Set(['claimed', 'waiting', 'unknown', 'failed']);

export const openRows = (ledger: LedgerFacts): RowFact[] => ledger.rows.filter(({ state }) => OPEN.has(state));

/** Every file is through, and no row of any is open. */
export function isThrough({ ledger, inbox }: Facts): boolean {
  if (!ledger || inbox.length > 0 || ledger.processings.length === 0) return false;
  if (openRows(ledger).length > 0) return false;
  return ledger.processings.every(({ state }) => state === 'closed' || state === 'vanished');
}

export function ledgerFacts({ ledger, state }: CrashWorld): LedgerFacts | undefined {
  if (!existsSync(ledger)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'referry-crash-look-'));
  try {
    const copy = join(folder, 'ledger.sqlite');
    for (const name of readdirSync(state))
      if (/^ledger\.sqlite(-wal|-journal)?$/.test(name)) copyFileSync(join(state, name), join(folder, name));
    const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
    const db = new Database(copy);
    try {
      const tables = db
        .prepare("SELECT count(*) AS n FROM sqlite_master WHERE name IN ('deliveries','uploads','decisions')")
        .pluck();
      if (tables.get() !== 3) return undefined;
      return { ...readLedger(db), holds: (text) => bytes.some((file) => file.includes(text)) };
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A ledger of an earlier version has none. */
function readLinks(db: Database.Database): Map<string, string> {
  const there = db.prepare<[], { n: number }>("SELECT count(*) AS n FROM sqlite_master WHERE name = 'links'").get();
  if (!there?.n) return new Map();
  const links = db.prepare<[], { person: string; link: string }>('SELECT person, link FROM links').all();
  return new Map(links.map(({ person, link }) => [person, link]));
}

function readLedger(db: Database.Database): Omit<LedgerFacts, 'holds'> {
  const unclear = db
    .prepare<[], { id: number; n: number }>(
      "SELECT delivery_id AS id, count(*) AS n FROM attempts WHERE result IN ('orphan','info') GROUP BY 1",
    )
    .all();
  return {
    epoch: db.prepare<[], { epoch: number }>('SELECT epoch FROM executor WHERE id = 1').get()?.epoch ?? 0,
    rows: db.prepare<[], RowFact>('SELECT id, key, state, attempts, code, upload_id AS upload FROM deliveries').all(),
    unclear: new Map(unclear.map(({ id, n }) => [id, n])),
    integrity: String(db.pragma('integrity_check', { simple: true })),
    processings: db
      .prepare<[], LedgerFacts['processings'][number]>(
        'SELECT id, job, name, state, account, revision FROM processings ORDER BY id',
      )
      .all(),
    publications: db
      .prepare<[], LedgerFacts['publications'][number]>(
        'SELECT processing_id AS processing, revision, target, sha256, published_as AS publishedAs FROM publications',
      )
      .all(),
    links: readLinks(db),
    decisions: db.prepare<[], { n: number }>('SELECT count(*) AS n FROM decisions').get()?.n ?? 0,
  };
}
