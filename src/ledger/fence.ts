import { TransferError } from '../model.ts';
import type { Ledger } from './open.ts';

type Held = Pick<Ledger, 'db' | 'epoch' | 'path'>;

/** Asks whether this process still executes on the ledger. Throws what the database says. */
function question({ db, epoch }: Pick<Ledger, 'db' | 'epoch'>): () => boolean {
  const now = db.prepare<[], { epoch: number }>('SELECT epoch FROM executor WHERE id = 1');
  return () => now.get()?.epoch === epoch;
}

/** Whether this process still executes on the ledger, and the ledger answers. Throws what the database says. */
export const stillExecutes = (ledger: Pick<Ledger, 'db' | 'epoch'>): boolean => question(ledger)();

/**
 * Throws `LEDGER_TAKEN_OVER` where another process has taken the ledger over since this one opened it: nothing may be written or
 * sent any more. The lock alone is not enough for a process that stood still while somebody removed the lock's file, or
 * that woke up beside a copy of itself.
 */
export const mustHold = (ledger: Held): void => fenceOf(ledger)();

/** The same to be asked often: its statement is prepared once. */
export function fenceOf(ledger: Held): () => void {
  const holds = question(ledger);
  return () => {
    if (!holds()) throw takenOver(ledger.path);
  };
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
