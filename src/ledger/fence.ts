import { TransferError } from '../model.ts';
import type { Ledger } from './open.ts';

/**
 * Throws `LEDGER_TAKEN_OVER` where another process has taken the ledger over since this one opened it: nothing may be written or
 * sent any more. The lock alone is not enough for a process that stood still while somebody removed the lock's file, or
 * that woke up beside a copy of itself.
 */
export function mustHold(ledger: Pick<Ledger, 'db' | 'epoch' | 'path'>): void {
  const row = ledger.db.prepare<[], { epoch: number }>('SELECT epoch FROM executor WHERE id = 1').get();
  if (row?.epoch !== ledger.epoch) throw takenOver(ledger.path);
}

function takenOver(path: string): TransferError {
  return new TransferError(
    'LEDGER_TAKEN_OVER',
    `another process has taken the ledger ${path} over meanwhile; this one stops`,
    {
      hint: 'nothing is lost: the other process goes on with it. Let one process alone execute on a ledger, and never remove its .lock file',
    },
  );
}
