import type { Processing } from '../../ledger/processings.ts';
import { type Remote, TransferError } from '../../model.ts';

/**
 * Moves a file that belongs to a processing into an archive. The same contents under the same name, taken within the same second, have
 * the same name there: the second one goes beside it. Returns where it is.
 */
export async function moveToFree(
  remote: Remote,
  from: string,
  target: string,
  processing: Pick<Processing, 'id'>,
): Promise<string> {
  try {
    await remote.move(from, target);
    return target;
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'TARGET_EXISTS') throw error;
    const beside = besideTarget(target, processing);
    await remote.move(from, beside);
    return beside;
  }
}

export const besideTarget = (target: string, { id }: Pick<Processing, 'id'>): string => `${target}.p${id}`;
