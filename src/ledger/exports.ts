import { mustHold } from './fence.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';

/**
 * planned: its files are whole on this machine, and may or may not be in place; out: an import of them is followed; published;
 * held: it would shrink too much; released: a person let it go, and it is made anew; withdrawn: it was never wholly in place.
 */
export type ExportState = 'planned' | 'out' | 'published' | 'held' | 'released' | 'withdrawn';

/** A file of an export. */
export interface ExportedFile {
  name: string;
  rows: number;
  size: number;
  sha256: string;
  /** A QR zip holds no rows. */
  role: 'rows' | 'qr';
  /** Where it is; absent until it is there. */
  as?: string;
}

/** What an export consists of. */
export interface ExportContents {
  columns: readonly string[];
  files: ExportedFile[];
  /** QR codes; `folder` where they are images of a folder instead of zips, and `as` where that is in the end. */
  qr?: { images: number; leftOut: Readonly<Record<string, number>>; folder?: string; as?: string };
  manifest?: { as?: string };
}

/** An export of one target of one job. */
export interface KnownExport {
  id: number;
  job: string;
  target: string;
  format: string;
  kind: 'snapshot' | 'changes';
  state: ExportState;
  /** Hash of what decides about its contents. */
  settings: string;
  /** Milliseconds since 1970; the names are made of it. */
  madeAt: number;
  /** Of the export whose changes these are. */
  sinceAt: number | null;
  /** Links with a seq in (from, to] are surely in it. */
  seqFrom: number;
  seqTo: number;
  /** Links there were in all. */
  links: number;
  /** read = rows + the sum of leftOut. */
  read: number;
  rows: number;
  bytes: number;
  leftOut: Readonly<Record<string, number>>;
  contents: ExportContents;
  place: string;
  /** Of imports that were handed in, separated by commas. */
  importId: string;
  /** What an import came to, as JSON; empty. */
  ended: string;
  code: string;
  reason: string;
  publishedAt: number | null;
}

export type PlannedExport = Omit<KnownExport, 'id' | 'importId' | 'ended' | 'publishedAt'>;

interface Row extends Omit<KnownExport, 'leftOut' | 'contents'> {
  leftOut: string;
  contents: string;
}

const COLUMNS = `id, job, target, format, kind, state, settings, made_at AS madeAt, since_at AS sinceAt, seq_from AS seqFrom,
  seq_to AS seqTo, links, read, rows, bytes, left_out AS leftOut, files AS contents, place, import_id AS importId, ended, code, reason,
  published_at AS publishedAt`;

const known = (row: Row): KnownExport => ({
  ...row,
  leftOut: JSON.parse(row.leftOut),
  contents: JSON.parse(row.contents),
});

type Reading = Pick<Ledger, 'db'>;

/** Keeps an export before anything of it leaves, or that it is held. Returns its number. */
export function planExport(ledger: Ledger, plan: PlannedExport): number {
  return ledger.db
    .transaction(() => {
      mustHold(ledger);
      const made = ledger.db
        .prepare(
          `INSERT INTO exports (job, target, format, kind, state, settings, made_at, since_at, seq_from, seq_to, links, read, rows,
             bytes, left_out, files, place, code, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[plan.job, plan.target, plan.format, plan.kind, plan.state, plan.settings, plan.madeAt, plan.sinceAt],
          ...[plan.seqFrom, plan.seqTo, plan.links, plan.read, plan.rows, plan.bytes],
          ...[JSON.stringify(plan.leftOut), JSON.stringify(plan.contents), plan.place, plan.code, plan.reason],
        );
      return Number(made.lastInsertRowid);
    })
    .immediate();
}

/** What becomes of an export. */
export interface ExportChange {
  state?: ExportState;
  contents?: ExportContents;
  importId?: string;
  ended?: string;
  code?: string;
  reason?: string;
  publishedAt?: number;
}

const COLUMN: Readonly<Record<keyof ExportChange, string>> = {
  state: 'state',
  contents: 'files',
  importId: 'import_id',
  ended: 'ended',
  code: 'code',
  reason: 'reason',
  publishedAt: 'published_at',
};

/** Records how far an export got. */
export function recordExport(ledger: Ledger, id: number, change: ExportChange): void {
  const { contents, ...plain } = change;
  const values: Record<string, string | number> = { ...plain };
  if (contents !== undefined) values.contents = JSON.stringify(contents);
  const named = Object.entries(COLUMN).filter(([name]) => values[name] !== undefined);
  const set = named.map(([, column]) => `${column} = ?`).join(', ');
  ledger.db
    .transaction(() => {
      mustHold(ledger);
      ledger.db.prepare(`UPDATE exports SET ${set} WHERE id = ?`).run(...named.map(([name]) => values[name]), id);
    })
    .immediate();
}

/** Exports of a job that are on their way, oldest first. */
export function openExports({ db }: Reading, job: string): KnownExport[] {
  return db
    .prepare<[string], Row>(`SELECT ${COLUMNS} FROM exports WHERE job = ? AND state IN ('planned','out') ORDER BY id`)
    .all(job)
    .map(known);
}

/** What the folders of planned exports are called on this machine, whatever their job. */
export function exportsOnTheirWay({ db }: Reading): string[] {
  return db
    .prepare<[], { job: string; target: string }>("SELECT job, target FROM exports WHERE state IN ('planned','out')")
    .all()
    .map(({ job, target }) => folderOfExport(job, target));
}

export const folderOfExport = (job: string, target: string): string => `${job}.${target}`;

/** The last export that a target has had. */
export function lastExport({ db }: Reading, job: string, target: string): KnownExport | undefined {
  const row = db
    .prepare<[string, string], Row>(
      `SELECT ${COLUMNS} FROM exports WHERE job = ? AND target = ? AND state = 'published' ORDER BY id DESC LIMIT 1`,
    )
    .get(job, target);
  return row && known(row);
}

/** The export of a target that was held, or released, since the last one left. */
export function waitingExport({ db }: Reading, job: string, target: string): KnownExport | undefined {
  const row = db
    .prepare<[string, string], Row>(
      `SELECT ${COLUMNS} FROM exports WHERE job = ? AND target = ? AND state IN ('published','held','released')
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job, target);
  return row && row.state !== 'published' ? known(row) : undefined;
}

/** Exports that wait for a person; of all jobs where none is named. A ledger that no newer version has executed on has none. */
export function heldExports({ db }: Reading, job?: string): KnownExport[] {
  if (!hasTable({ db }, 'exports')) return [];
  return db
    .prepare<[string | null, string | null], Row>(
      `SELECT ${COLUMNS} FROM exports e WHERE state = 'held' AND (? IS NULL OR job = ?)
         AND NOT EXISTS (SELECT 1 FROM exports l WHERE l.job = e.job AND l.target = e.target AND l.id > e.id
           AND l.state IN ('published','held','released')) ORDER BY id`,
    )
    .all(job ?? null, job ?? null)
    .map(known);
}

/** Lets a held export go; runs inside the transaction that keeps the decision. */
export function releaseExport({ db }: Reading, id: number): void {
  db.prepare("UPDATE exports SET state = 'released' WHERE id = ? AND state = 'held'").run(id);
}
