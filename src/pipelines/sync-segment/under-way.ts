import { openProcessings, type Processing, processingsToRetry } from '../../ledger/processings.ts';
import { runningSync, syncOf } from '../../ledger/segment-syncs.ts';
import { findSegment } from '../../ledger/segments.ts';
import { type RunContext, stagedPaths } from '../files/context.ts';
import { heldCode } from '../files/held-part.ts';
import { readSeal } from '../files/seal.ts';

type Known = Pick<RunContext, 'ledger' | 'staging' | 'destinationId'>;

/** States of a file of which members may still leave. */
const TO_LEAVE: ReadonlySet<string> = new Set(['taking', 'taken', 'staged', 'sealed']);

/**
 * What may still change who is confirmed in a segment, in words: a file of the job that is not through and names the segment, or has not been
 * read yet; or a repair. `undefined`: what is confirmed now is what there is, but for what is held.
 */
export function underWay(ctx: Known, job: string, segment: string): string | undefined {
  const { ledger, destinationId } = ctx;
  const known = findSegment(ledger, destinationId, segment);
  const files = [...filesToLeave(ctx, job), ...processingsToRetry(ledger, job)].filter(
    (each) => !isThrough(ctx, each, segment, ['done', 'superseded']),
  );
  const file = files.find((each) => names(ctx, each, segment) ?? true);
  if (file) return inWords(file);
  return known && runningSync(ledger, known.id) ? 'a sync' : undefined;
}

/**
 * The file of the job that was taken before another one, may be about the segment, and could not be read so far, in words. `mayConcern`: as
 * of its name.
 */
export function unreadBefore(
  ctx: Known,
  { job, processing, segment }: { job: string; processing: number; segment: string },
  mayConcern: (fileName: string) => boolean,
): string | undefined {
  const file = filesToLeave(ctx, job).find(
    (each) =>
      each.id < processing &&
      names(ctx, each, segment) === undefined &&
      !isThrough(ctx, each, segment, ['done', 'superseded', 'running', 'held']) &&
      mayConcern(each.name),
  );
  return file && inWords(file);
}

const inWords = ({ id, name }: Processing): string => `p${id} (${name})`;

const filesToLeave = ({ ledger }: Known, job: string): Processing[] =>
  openProcessings(ledger, job).filter(({ state }) => TO_LEAVE.has(state));

/** Whether nothing of the segment is to leave of a file without somebody's decision: its sync is so far, or somebody has decided against it. */
function isThrough(
  { ledger, destinationId }: Known,
  { id, refusal }: Processing,
  segment: string,
  states: readonly string[],
): boolean {
  if (refusal && refusal.verdict !== 'released' && heldCode(refusal, segment) !== undefined) return true;
  const known = findSegment(ledger, destinationId, segment);
  const state = known && syncOf(ledger, id, known.id)?.state;
  return state !== undefined && states.includes(state);
}

/** `undefined` where the file was not read yet. */
const names = ({ staging }: Known, { id }: Processing, segment: string): boolean | undefined =>
  readSeal(stagedPaths(staging, id).seal)?.eventNames.includes(segment);
