import type { MembershipTarget, MemberThere } from '../../destinations/membership.ts';
import type { Io } from '../../model.ts';

/** What no id of a membership file can have, and what lists of members are told apart by here. */
const LINE_END = /[\r\n]/;
/** In characters, as of a spool of members. */
const LONGEST = 1024;

/**
 * The members that a target says it has, in pages; one that it knows by several ids, by those that `known` says yes to, else by the usual
 * one. Ids with a line end, and those longer than any can be, are left out, and how many they were is told to the log: read again from the
 * ledger, each would be two members. Throws as the target does.
 */
export async function* membersThere(
  members: NonNullable<MembershipTarget['members']>,
  known: (id: string) => boolean,
  { io, signal }: { io: Pick<Io, 'log'>; signal: AbortSignal },
  segment: string,
): AsyncGenerator<readonly string[]> {
  let left = 0;
  for await (const page of members(signal)) {
    const ids = page.flatMap((member) => idsOf(member, known));
    const fit = ids.filter(fits);
    left += ids.length - fit.length;
    yield fit;
  }
  if (left > 0)
    io.log.warn(
      { segment, members: left },
      'members of the target whose ids have line ends, or are too long, are left as they are there',
    );
}

const fits = (id: string): boolean => id.length <= LONGEST && !LINE_END.test(id);

function idsOf(member: MemberThere, known: (id: string) => boolean): readonly string[] {
  if (typeof member === 'string') return [member];
  const ids = member.filter((id) => fits(id) && known(id));
  return ids.length > 0 ? ids : member.slice(0, 1);
}
