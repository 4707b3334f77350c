import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What a ledger says between two processes, read from a copy so that nothing of it is touched. */
export interface Snapshot {
  rows: Map<number, { key: string; state: string; attempts: number }>;
  /** Attempts without a clear answer, by delivery. */
  unclear: Map<number, number>;
  claimed: number;
  integrity: unknown;
  processings: { name: string; state: string }[];
  publications: { target: string; sha256: string; published_as: string | null }[];
}

export function snapshotOf(ledger: string): Snapshot | undefined {
  if (!existsSync(ledger)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'referry-snapshot-'));
  try {
    const copy = join(folder, 'ledger.sqlite');
    copyFileSync(ledger, copy);
    if (existsSync(`${ledger}-wal`)) copyFileSync(`${ledger}-wal`, `${copy}-wal`);
    const db = new Database(copy);
    try {
      if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").get() === undefined) return undefined;
      const rows = db
        .prepare<[], { id: number; key: string; state: string; attempts: number }>(
          'SELECT id, key, state, attempts FROM deliveries',
        )
        .all();
      const unclear = db
        .prepare<[], { id: number; n: number }>(
          "SELECT delivery_id AS id, count(*) AS n FROM attempts WHERE result IN ('orphan','info') GROUP BY 1",
        )
        .all();
      return {
        rows: new Map(rows.map(({ id, ...rest }) => [id, rest])),
        unclear: new Map(unclear.map(({ id, n }) => [id, n])),
        claimed: rows.filter(({ state }) => state === 'claimed').length,
        integrity: db.pragma('integrity_check', { simple: true }),
        processings: db.prepare<[], { name: string; state: string }>('SELECT name, state FROM processings').all(),
        publications: db
          .prepare<[], { target: string; sha256: string; published_as: string | null }>(
            'SELECT target, sha256, published_as FROM publications',
          )
          .all(),
      };
    } finally {
      db.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A partner who polls a folder: what is seen once must be whole and stay as it is. */
export interface Partner {
  stop(): { seen: Map<string, string>; complaints: string[] };
}

export function watchAsPartner(folder: string): Partner {
  const seen = new Map<string, string>();
  const complaints: string[] = [];
  const look = (): void => {
    if (!existsSync(folder)) return;
    const names = new Set(readdirSync(folder).filter((name) => !name.startsWith('.')));
    for (const name of seen.keys()) if (!names.has(name)) complaints.push(`${name} vanished`);
    for (const name of names) {
      const sha = shaOf(join(folder, name));
      const before = seen.get(name);
      if (before === undefined) seen.set(name, sha);
      else if (before !== sha) complaints.push(`${name} changed`);
    }
  };
  const timer = setInterval(look, 10);
  // A test that fails leaves it running: it must not fail the next one as well.
  timer.unref();
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return { seen, complaints };
    },
  };
}

export const shaOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
