import { existsSync } from 'node:fs';
import { LINES, openBook } from '../../../ledger/deliveries.ts';
import { TransferError } from '../../../model.ts';
import { stagedPaths } from '../context.ts';
import { heldCode } from '../held-part.ts';
import { openRowIndex, VERDICT } from '../row-index.ts';
import { readSeal } from '../seal.ts';
import type { PlanContext } from './planned.ts';

/**
 * How many rows of a sealed file would leave if it were sent now: those that passed the check, whose key nobody owns and that have
 * no end yet. Throws `STAGED_FILE_LOST` where the staged copy is not there to be looked at.
 */
export function countLeaving(
  { ledger, staging }: PlanContext,
  { processing, name, destinationId }: { processing: number; name: string; destinationId: number },
): number {
  const paths = stagedPaths(staging, processing);
  const seal = existsSync(paths.index) ? readSeal(paths.seal) : undefined;
  if (!seal) throw notStaged(processing, name);
  const nameId = ledger.db.prepare<[number, string], { id: number }>(
    'SELECT id FROM event_names WHERE destination_id = ? AND name = ?',
  );
  const eventIds = seal.eventNames.map((eventName) => nameId.get(destinationId, eventName)?.id ?? 0);
  const book = openBook(ledger, processing);
  const index = openRowIndex(paths.index);
  let leaving = 0;
  try {
    for (const block of index.blocks()) {
      const own = book.range(processing, block.line(0), block.line(block.count - 1));
      const asking = Array.from({ length: block.count }, (_, i) => i).filter(
        (i) =>
          block.verdict(i) === VERDICT.candidate &&
          (own.get(block.line(i))?.state ?? 'failed') === 'failed' &&
          (!seal.held || heldCode(seal.held, seal.eventNames[block.eventName(i)] ?? '') !== undefined),
      );
      const owners = book.owners(
        asking.map((i) => ({ eventNameId: eventIds[block.eventName(i)] ?? 0, keyHash: block.keyHash(i) })),
      );
      leaving += owners.filter((owner) => owner === undefined).length;
      for (const { state } of own.values()) if (state === 'waiting' || state === 'unknown') leaving++;
    }
  } finally {
    index.close();
  }
  return leaving;
}

export function notStaged(processing: number, name: string): TransferError {
  return new TransferError('STAGED_FILE_LOST', `the staged copy of ${name} (p${processing}) is gone`, {
    hint: `referry reprocess p${processing} --reason TEXT fetches the file again and judges it anew`,
  });
}

/** The most that can be asked of one file: a line number beyond it is a slip. */
export const MOST_LINES = LINES - 1;
