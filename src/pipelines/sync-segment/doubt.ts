import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { doubtedMembers } from '../../ledger/segment-doubts.ts';
import { confirmedMembers, correctMembers, type PlacedMember } from '../../ledger/segment-members.ts';
import type { Restore } from '../../ledger/segment-restored.ts';
import { differenceOf } from '../../segments/difference.ts';
import { createMemberSpool, PARTS } from '../../segments/spool.ts';
import type { HoldReason } from './guards.ts';
import { membersThere } from './members-there.ts';
import type { SyncContext, SyncRequest } from './sync.ts';
import { isConfirmed, spokenOf } from './who-stays.ts';

/** After a restore: what the target has becomes what is confirmed. `false`: it cannot be read. Repeating it is harmless. */
export async function readBack(ctx: SyncContext, { segment, target, wanted }: SyncRequest): Promise<boolean> {
  const members = target.members?.bind(target);
  if (!members) return false;
  const [confirmed, spoken] = [isConfirmed(ctx, segment.id), spokenOf(wanted)];
  await mkdir(ctx.scratch, { recursive: true, mode: 0o700 });
  const spool = createMemberSpool(join(ctx.scratch, `restored-${segment.id}-${ctx.io.now()}`));
  try {
    for await (const page of membersThere(members, (id) => confirmed(id) || spoken(id), ctx, segment.name))
      for (const member of page) spool.add(member);
    // Only once all of it is here: half of it would pass for members who are gone.
    const known = confirmedMembers(ctx.ledger, segment.id);
    for (let part = 0; part < PARTS; part++) {
      const { add, remove } = differenceOf({ add: spool.part(part), remove: 'rest' }, known(part));
      if (add.length + remove.length > 0)
        correctMembers(ctx.ledger, segment.id, { add: placed(part, add), remove: placed(part, remove) });
    }
  } finally {
    spool.close();
  }
  return true;
}

/**
 * Makes all that a file says a difference, where nobody can tell what the target has: whom it names to be added leaves though they are confirmed, and
 * whom it removes though they are not. Repeating it is harmless.
 */
export function doubtAll({ ledger }: SyncContext, { segment, wanted }: SyncRequest): void {
  const known = confirmedMembers(ledger, segment.id);
  for (let part = 0; part < PARTS; part++) {
    const { add, remove } = wanted.part(part);
    const again = known(part).filter((member) => add.has(member));
    const gone = remove === 'rest' ? [] : [...remove];
    if (again.length + gone.length > 0)
      correctMembers(ledger, segment.id, { add: placed(part, gone), remove: placed(part, again) });
  }
}

/**
 * Makes a difference of what a file says of those whose last change was given up without a clear answer: nobody can tell whether the target has them. They
 * stay in doubt until it says yes to one. Repeating it is harmless.
 */
export function askAgain({ ledger }: SyncContext, { segment, wanted }: Pick<SyncRequest, 'segment' | 'wanted'>): void {
  for (const [part, members] of doubtedMembers(ledger, segment.id)) {
    const { add, remove } = wanted.part(part);
    const come = members.filter((member) => add.has(member));
    const go = members.filter((member) => !add.has(member) && (remove === 'rest' || remove.has(member)));
    if (come.length + go.length > 0)
      correctMembers(ledger, segment.id, { add: placed(part, go), remove: placed(part, come) });
  }
}

const placed = (part: number, members: readonly string[]): PlacedMember[] => members.map((member) => [part, member]);

/** Why a sync to a target that cannot be read waits for a person after a restore. */
export function restoredReason(
  { name, target, wanted }: Pick<SyncRequest, 'name' | 'target' | 'wanted'>,
  { madeAt }: Restore,
  before: number,
): HoldReason {
  const { provider } = target.identity;
  return {
    code: 'SEGMENT_RESTORED',
    message: `the ledger was restored to ${new Date(madeAt).toISOString()}: ${before} member${before === 1 ? ' is' : 's are'} confirmed in ${name}, and the file names ${wanted.listed}; what was synced since is not known, and ${provider} cannot be asked who is a member; nothing was sent`,
    hint: 'released, everything that the file says is sent once more; who was added since the backup and is in no file stays there: look at the list in the tool, or reject the file',
  };
}
