import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** What a ledger says between two processes, read from a copy so that nothing of it is touched. */
export interface Snapshot {
  /** States of the rows. */
  rows: string[];
  processings: { name: string; state: string }[];
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
      return {
        rows: db
          .prepare<[], { state: string }>('SELECT state FROM deliveries')
          .all()
          .map(({ state }) => state),
        processings: db.prepare<[], { name: string; state: string }>('SELECT name, state FROM processings').all(),
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

const shaOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
