import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';

/**
 * The right to execute: an exclusive transaction on a SQLite file of its own, held for the process's life. The kernel
 * frees it whatever way the process ends. The file is never touched with `fs` once it exists: closing any descriptor of
 * it would drop the lock.
 */
export interface ExecutorLock {
  release(): void;
}

/** `undefined` where another process holds the lock. */
export function takeLock(path: string): ExecutorLock | undefined {
  if (!existsSync(path)) {
    writeFileSync(path, '', { mode: 0o600, flag: 'a' });
    chmodSync(path, 0o600);
  }
  const db = new Database(path, { timeout: 0 });
  try {
    // Nothing is ever written there: no journal beside it, for which a full disk has no room.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  return {
    release: () => {
      db.exec('ROLLBACK');
      db.close();
    },
  };
}
