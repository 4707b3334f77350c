import type { MembershipTarget } from '../../destinations/membership.ts';
import type { Io } from '../../model.ts';

/** What no id of a membership file can have, and what lists of members are told apart by here. */
const LINE_END = /[\r\n]/;
/** In characters, as of a spool of members. */
const LONGEST = 1024;

/**
 * The members that a target says it has, in pages. Ids with a line end, and those longer than any can be, are left out, and how many they were is told to the log: read again from the
 * ledger, each would be two members. Throws as the target does.
 */
export async function* membersThere(
  members: NonNullable<MembershipTarget['members']>,
  { io, signal }: { io: Pick<Io, 'log'>; signal: AbortSignal },
  segment: string,
): AsyncGenerator<readonly string[]> {
  let left = 0;
  for await (const page of members(signal)) {
    const fit = page.filter((member) => member.length <= LONGEST && !LINE_END.test(member));
    left += page.length - fit.length;
    yield fit;
  }
  if (left > 0)
    io.log.warn(
      { segment, members: left },
      'members of the target whose ids have line ends, or are too long, are left as they are there',
    );
}
