import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { TransferError } from '../model.ts';
import { hasTable } from './has-table.ts';

/** Beside the ledger: its id, and how often it was taken over to execute. A ledger that knows of fewer times is not the newest. */
const NAME = 'ledger.epoch';

const fileOf = (path: string): string => join(dirname(path), NAME);

/** Says beside the ledger how often it was taken over. To be called once that is committed. */
export function rememberEpoch(path: string, id: string, epoch: number): void {
  try {
    writeFileSync(fileOf(path), `${id} ${epoch}\n`, { mode: 0o600, flush: true });
  } catch {
    // On a full disk the ledger itself has room again before this has: without it, less is noticed, and nothing stands still.
  }
}

/** What is put in the ledger's place is older, and known to be. */
export function forgetEpoch(path: string): void {
  rmSync(fileOf(path), { force: true });
}

/**
 * Throws `LEDGER_BEHIND` where this ledger was executed on after the last commit that it knows of: its write-ahead log was taken away, or an old
 * copy of it was put in its place without `restore`. What was acknowledged since would be sent again.
 */
export function refuseBehind(db: Database.Database, path: string): void {
  if (!existsSync(fileOf(path)) || !hasTable({ db }, 'executor') || !hasTable({ db }, 'ledger')) return;
  const [, id, epoch] = /^([0-9a-f]+) (\d+)\n$/.exec(readFileSync(fileOf(path), 'utf8')) ?? [];
  const known = db
    .prepare<[], { id: string; epoch: number }>('SELECT ledger_id AS id, epoch FROM ledger, executor')
    .get();
  if (known === undefined || id !== known.id || Number(epoch) <= known.epoch) return;
  throw new TransferError(
    'LEDGER_BEHIND',
    `the ledger ${path} is older than what was done with it: it was opened ${epoch} times, and knows of ${known.epoch}`,
    {
      hint: `its write-ahead log (${path}-wal) is gone, or an old copy was put in its place: put the log, or the newest ledger, back. If that is lost: referry restore BACKUP --replace looks at what was done since before anything is sent; BACKUP may be a copy of this ledger`,
    },
  );
}
