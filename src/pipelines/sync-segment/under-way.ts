import { openProcessings, processingsToRetry } from '../../ledger/processings.ts';
import { runningSync, syncOf } from '../../ledger/segment-syncs.ts';
import { findSegment } from '../../ledger/segments.ts';
import { type RunContext, stagedPaths } from '../files/context.ts';
import { readSeal } from '../files/seal.ts';

/** States of a file of which members may still leave. */
const TO_LEAVE: ReadonlySet<string> = new Set(['taking', 'taken', 'staged', 'sealed']);

/**
 * What may still change who is confirmed in a segment, in words: a file of the job that is not through and names the segment, or has not been
 * read yet; or a repair. `undefined`: what is confirmed now is what there is.
 */
export function underWay(
  { ledger, staging, destinationId }: Pick<RunContext, 'ledger' | 'staging' | 'destinationId'>,
  job: string,
  segment: string,
): string | undefined {
  const known = findSegment(ledger, destinationId, segment);
  const files = [
    ...openProcessings(ledger, job).filter(({ state }) => TO_LEAVE.has(state)),
    ...processingsToRetry(ledger, job),
  ];
  const file = files.find(({ id }) => {
    const state = known && syncOf(ledger, id, known.id)?.state;
    if (state === 'done' || state === 'superseded') return false;
    return readSeal(stagedPaths(staging, id).seal)?.eventNames.includes(segment) ?? true;
  });
  if (file) return `p${file.id} (${file.name})`;
  return known && runningSync(ledger, known.id) ? 'a sync' : undefined;
}
