import type { Ledger } from './open.ts';

/** What was seen of a file in the inbox, remembered across runs. Milliseconds since 1970. */
export interface SeenFile {
  size: number;
  mtime: number;
  firstSeen: number;
  lastSeen: number;
  stableSince: number;
}

interface Row {
  path: string;
  size: number;
  mtime: number;
  first_seen: number;
  last_seen: number;
  stable_since: number;
}

export function observationsOf(ledger: Ledger, job: string): Map<string, SeenFile> {
  const rows = ledger.db.prepare<[string], Row>('SELECT * FROM observations WHERE job = ?').all(job);
  return new Map(
    rows.map((row) => [
      row.path,
      {
        size: row.size,
        mtime: row.mtime,
        firstSeen: row.first_seen,
        lastSeen: row.last_seen,
        stableSince: row.stable_since,
      },
    ]),
  );
}

/** Replaces what is remembered of a job's inbox by one look's findings. */
export function rememberObservations(ledger: Ledger, job: string, seen: ReadonlyMap<string, SeenFile>): void {
  const { db } = ledger;
  const insert = db.prepare('INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?, ?)');
  db.transaction(() => {
    db.prepare('DELETE FROM observations WHERE job = ?').run(job);
    for (const [path, o] of seen) insert.run(job, path, o.size, o.mtime, o.firstSeen, o.lastSeen, o.stableSince);
  }).immediate();
}
