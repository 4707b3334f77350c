import { setTimeout } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Process } from './processes.ts';

/**
 * Stops a process as a pause of its machine does, but not in the middle of a transaction, or it would keep the ledger locked: we hold
 * the right to write at that moment. `when`: looked at first; false where it never held.
 */
export async function standStill(
  ledger: string,
  process: Pick<Process, 'kill'>,
  when: (db: Database.Database) => Promise<boolean> = async () => true,
): Promise<boolean> {
  const db = new Database(ledger, { fileMustExist: true });
  try {
    db.pragma('busy_timeout = 5000');
    if (!(await when(db))) return false;
    db.exec('BEGIN IMMEDIATE');
    process.kill('SIGSTOP');
    await setTimeout(50);
    db.exec('ROLLBACK');
    return true;
  } finally {
    db.close();
  }
}
