import { TransferError } from '../model.ts';
import type { Ledger } from './open.ts';

/** Whether this process still executes on the ledger, and the ledger answers. Throws what the database says. */
export function stillExecutes({ db, epoch }: Pick<Ledger, 'db' | 'epoch'>): boolean {
  return db.prepare<[], { epoch: number }>('SELECT epoch FROM executor WHERE id = 1').get()?.epoch === epoch;
}

/**
 * Throws `LEDGER_TAKEN_OVER` where another process has taken the ledger over since this one opened it: nothing may be written or
 * sent any more. The lock alone is not enough for a process that stood still while somebody removed the lock's file, or
 * that woke up beside a copy of itself.
 */
export function mustHold(ledger: Pick<Ledger, 'db' | 'epoch' | 'path'>): void {
  if (stillExecutes(ledger)) return;
  throw new TransferError(
    'LEDGER_TAKEN_OVER',
    `another process has taken the ledger ${ledger.path} over meanwhile; this one stops`,
    {
      hint: 'nothing is lost: the other process goes on with it. Let one process alone execute on a ledger, and never remove its .lock file',
    },
  );
}
