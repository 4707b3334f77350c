import type { SegmentsJob } from '../../jobs/schema.ts';
import type { SyncKind } from '../../ledger/segment-syncs.ts';
import type { RefusalDetail } from '../../model.ts';

/** How much of a segment may change without anybody looking. */
export interface GuardRules {
  /** A share of the confirmed members, 0 to 1: no more may go in one sync. */
  maxShrink: number;
  /** Likewise: no more may come, once there are members. */
  maxGrowth: number;
  /** What a file does that nothing vouches for, no trailer and no manifest, where it would remove somebody. */
  unvouched: 'hold' | 'accept';
  /** Take a list over that has members already. */
  adopt: boolean;
}

/** What a sync would do, and what it would do it to. */
export interface Intent {
  segment: string;
  kind: SyncKind;
  /** Confirmed members. */
  before: number;
  /** Members that the file names. */
  listed: number;
  toAdd: number;
  toRemove: number;
  /** Members that the target refused at the sync before: they are asked for each time, and are no growth. */
  refusedBefore: number;
  /** A trailer or a manifest said how many rows the file must have. */
  vouched: boolean;
  /** The segment was deleted where it comes from, and its members go with it. */
  drained?: boolean;
  /** No sync of this segment came to its end before. */
  first: boolean;
  /** Members that the target has; absent where it does not say. */
  there?: number;
  /** It has more than `there`. */
  more?: boolean;
  /** The target has another list under this name than at the sync before. */
  replaced: boolean;
}

/** The rules of a job. What Referry writes itself, of Heap's pages or of its ledger, is whole. */
export function rulesOf({ guards, members }: Pick<SegmentsJob, 'guards' | 'members'>): GuardRules {
  return members.from === 'inbox' ? guards : { ...guards, unvouched: 'accept' };
}

/** Why a segment is held, with both numbers. */
export type HoldReason = Pick<RefusalDetail, 'code' | 'message'> & { hint: string };

/** So many segments are told of; `referry held` has room for no more. */
const MOST_TOLD = 5;

/**
 * Some segments of a file wait for a person, `others` of it go on; those of `before` wait since an earlier run. Each keeps its own code, and
 * that of the first is the file's.
 */
export function heldInPart(
  found: readonly (readonly [segment: string, why: HoldReason])[],
  others: number,
  before: Pick<RefusalDetail, 'code' | 'message' | 'hint' | 'segments'> | null,
): HoldReason & { segments: Readonly<Record<string, string>> } {
  const segments = Object.fromEntries(found.map(([segment, { code }]) => [segment, code]));
  const earlier = before?.segments ? [before.message] : [];
  const told = [...earlier, ...found.slice(0, MOST_TOLD).map(([, { message }]) => message)];
  if (found.length > MOST_TOLD)
    told.push(`and ${of(found.length - MOST_TOLD, 'more segment', 'more segments')} of the file`);
  else if (others > 0 && earlier.length === 0)
    told.push(
      others === 1 ? 'the other segment of the file goes on' : `the ${others} other segments of the file go on`,
    );
  return {
    code: (before?.segments && before.code) || (found[0]?.[1].code ?? ''),
    message: told.join('; '),
    hint: (before?.segments && before.hint) || (found[0]?.[1].hint ?? ''),
    segments: { ...before?.segments, ...segments },
  };
}

/** Why nothing of a sync may leave until a person has looked; `undefined`: nothing speaks against it. */
export function reasonToHoldSync(intent: Intent, rules: GuardRules): HoldReason | undefined {
  const { segment, kind, before, listed, toAdd, toRemove } = intent;
  const held = (code: string, message: string, hint: string): HoldReason => ({
    code,
    message: `${message}; nothing was sent`,
    hint,
  });
  if (kind === 'snapshot' && listed === 0)
    return held(
      'SEGMENT_EMPTY',
      `the snapshot of ${segment} names no member, and ${of(before, 'is', 'are')} confirmed`,
      'ask the sender whether the segment is meant to be empty: release the file if it is, else reject it',
    );
  if (intent.first && !rules.adopt && (intent.there ?? 0) > 0)
    return held(
      'SEGMENT_HAS_MEMBERS',
      `the target has ${intent.more ? 'more than ' : ''}${intent.there} members in ${segment} that we know nothing of, and the file names ${listed}`,
      'set adopt: true to take the list over, or choose another name for the segment; released as it is, those that the file does not name stay in the list',
    );
  if (intent.replaced && before > 0)
    return held(
      'SEGMENT_REPLACED',
      `the target has another list for ${segment} than at the sync before, with ${intent.there ?? 'an unknown number of'} members where ${before} were confirmed`,
      `look whether somebody deleted the list there: released, ${kind === 'snapshot' ? 'all members of the file are' : 'everybody who is confirmed is, and then the changes of the file are,'} added to the new one`,
    );
  // A setting that lets everything through says nothing of a segment that is to be emptied for good.
  if (intent.drained && toRemove > 0)
    return held(
      'SEGMENT_DRAINED',
      `Heap says that ${segment} was deleted there: ${toRemove} of ${of(before, 'confirmed member', 'confirmed members')} would go`,
      'ask whoever keeps the segments in Heap: release the file if the segment is meant to be gone, else reject it',
    );
  const against: HoldReason[] = [];
  const speaks = (code: string, message: string, hint: string): void => {
    against.push({ code, message, hint });
  };
  // Cut off within the last id, changes name somebody else.
  if (kind !== 'repair' && toRemove > 0 && !intent.vouched && rules.unvouched === 'hold')
    speaks(
      'SEGMENT_UNVOUCHED',
      `nothing says that the ${kind === 'snapshot' ? 'snapshot' : 'file of changes'} of ${segment} is whole, and it would remove ${toRemove} of ${of(before, 'confirmed member', 'confirmed members')}`,
      'have the sender write a trailer or a manifest with the number of rows (file.trailer, source.manifest), and end the last line; or set guards.unvouched: accept; release the file if it is known to be whole',
    );
  if (toRemove > before * rules.maxShrink)
    speaks(
      'SEGMENT_SHRINKS',
      `${segment} would lose ${toRemove} of ${of(before, 'confirmed member', 'confirmed members')} (${percent(toRemove, before)}), ${share(rules.maxShrink)} is allowed (guards.maxShrink)`,
      'ask the sender whether the file is whole: release it if it is, else reject it',
    );
  const more = toAdd - intent.refusedBefore;
  if (before > 0 && more > before * rules.maxGrowth)
    speaks(
      'SEGMENT_GROWS',
      `${segment} would get ${more} members more than the ${before} that are confirmed (${percent(more, before)}), ${share(rules.maxGrowth)} is allowed (guards.maxGrowth)`,
      'ask the sender whether these are the members of this segment: release the file if they are, else reject it',
    );
  // Whoever releases it releases all of it: each counts, and the first gives the code and the way out.
  const [first] = against;
  return first && held(first.code, against.map(({ message }) => message).join('; also '), first.hint);
}

const of = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
const share = (part: number): string => `${Math.round(part * 1000) / 10} %`;
const percent = (n: number, whole: number): string => (whole === 0 ? 'of none' : share(n / whole));
