import type { PreparedTarget } from '../../destinations/membership.ts';
import { correctMembers } from '../../ledger/segment-members.ts';
import { TransferError } from '../../model.ts';
import { partOf } from '../../segments/spool.ts';
import type { HoldReason } from './guards.ts';
import { membersThere } from './members-there.ts';
import type { SyncContext, SyncRequest } from './sync.ts';
import { spokenOf } from './who-stays.ts';

/** By these a target says that it has no such list any more. */
const GONE: ReadonlySet<string> = new Set(['LIST_GONE', 'AUDIENCE_REFUSED']);

/**
 * Prepares the list of a segment. `gone`: somebody deleted it; a person who released that has one found or made by the segment's name. Throws as
 * the target does.
 */
export async function prepareList(
  ctx: SyncContext,
  request: SyncRequest,
): Promise<PreparedTarget | { gone: TransferError }> {
  const { segment, releasedFrom } = request;
  if (segment.targetId === '') return await prepare(ctx, request);
  try {
    return await prepare(ctx, request, { targetId: segment.targetId, name: segment.targetName });
  } catch (error) {
    if (!isGone(error)) throw error;
    if (releasedFrom !== LIST_GONE) return { gone: error };
  }
  try {
    return await prepare(ctx, request);
  } catch (error) {
    // The job itself names the list.
    if (isGone(error)) return { gone: error };
    throw error;
  }
}

const isGone = (error: unknown): error is TransferError =>
  error instanceof TransferError && !error.retryable && GONE.has(error.code);

function prepare(
  { signal }: SyncContext,
  { segment, name, target }: SyncRequest,
  earlier?: { targetId: string; name: string },
): Promise<PreparedTarget> {
  return target.prepare({ id: segment.name, name, since: segment.since, ...(earlier && { earlier }) }, signal);
}

const LIST_GONE = 'SEGMENT_LIST_GONE';

/** Why a segment waits for a person whose list is gone. */
export function goneReason(
  { name }: Pick<SyncRequest, 'name'>,
  before: number,
  { message }: TransferError,
): HoldReason {
  return {
    code: LIST_GONE,
    message: `the list of ${name}, with ${before} confirmed member${before === 1 ? '' : 's'}, is not at the target any more (${message}); nothing was sent`,
    hint: 'look whether somebody deleted it there: released, a list of the name is found or made, and all members are added to it; where the job itself names the list (listId, audienceId), reject the file, name another list in the job, and drop the file once more',
  };
}

/** What the target has becomes what is confirmed: whom it knows by several ids, by those that are spoken of. */
export async function adoptMembers(ctx: SyncContext, { segment, target, wanted }: SyncRequest): Promise<void> {
  const members = target.members?.bind(target);
  if (!members) return;
  for await (const page of membersThere(members, spokenOf(wanted), ctx, segment.name)) {
    const add = page.map((member) => [partOf(member), member] as const);
    correctMembers(ctx.ledger, segment.id, { add, remove: [] });
  }
}
