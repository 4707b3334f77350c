import Database from 'better-sqlite3';
import type { Io } from '../model.ts';
import type { Ledger } from './open.ts';

/** Kept in the database itself: what was deleted may still stand in it, in places that are in use no longer. */
const OWED = 1;
const TRIES = 15;
const BETWEEN_TRIES_MS = 200;

/** Whether something was deleted for good, and the ledger has not been written anew since. */
export function isRewriteOwed({ db }: Pick<Ledger, 'db'>): boolean {
  return db.pragma('user_version', { simple: true }) === OWED;
}

/** What `work` deletes is overwritten where it stands. */
export async function overwriting<T>({ db }: Pick<Ledger, 'db'>, work: () => Promise<T> | T): Promise<T> {
  const end = beginOverwriting(db);
  try {
    return await work();
  } finally {
    end();
  }
}

/** The same for what is done at once. */
export function overwritingNow<T>({ db }: Pick<Ledger, 'db'>, work: () => T): T {
  const end = beginOverwriting(db);
  try {
    return work();
  } finally {
    end();
  }
}

function beginOverwriting(db: Database.Database): () => void {
  const before: unknown = db.pragma('secure_delete', { simple: true });
  db.pragma('secure_delete = ON');
  return () => void db.pragma(`secure_delete = ${Number(before)}`);
}

/** Says, before something is deleted for good, that the ledger is to be written anew afterwards. Outlives a process that dies. */
export function oweRewrite({ db }: Pick<Ledger, 'db'>): void {
  if (!isRewriteOwed({ db })) db.pragma(`user_version = ${OWED}`);
}

/**
 * Writes the ledger anew, without what was deleted: pages are split and rows moved while it is filled, so that copies of a row
 * stand where deleting it does not reach. Then empties the write-ahead log. Blocks the thread meanwhile. Returns why something
 * may still be there; it is then tried again by the next prune.
 */
export async function rewriteLedger({ db }: Pick<Ledger, 'db'>, io: Pick<Io, 'sleep'>): Promise<string | undefined> {
  try {
    db.exec('VACUUM main');
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    return `the ledger could not be written anew (${error.message}): it needs as much room again, beside it and in the folder of temporary files`;
  }
  if (!(await emptyWriteAheadLog({ db }, io)))
    return 'the write-ahead log of the ledger could not be emptied: another process goes on reading the ledger';
  db.pragma('user_version = 0');
  return undefined;
}

/** Whether the write-ahead log holds nothing any more. Who reads the ledger meanwhile is waited for, for some seconds. */
export async function emptyWriteAheadLog({ db }: Pick<Ledger, 'db'>, io: Pick<Io, 'sleep'>): Promise<boolean> {
  const empty = db.prepare<[], { busy: number }>('PRAGMA wal_checkpoint(TRUNCATE)');
  const patience: unknown = db.pragma('busy_timeout', { simple: true });
  // Waiting here and not within SQLite lets the process go on with other things.
  db.pragma('busy_timeout = 0');
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      if (empty.get()?.busy === 0) return true;
      await io.sleep(BETWEEN_TRIES_MS);
    }
    return false;
  } finally {
    db.pragma(`busy_timeout = ${Number(patience)}`);
  }
}
