import type { Ledger } from '../../ledger/open.ts';
import { isMember } from '../../ledger/segment-members.ts';
import type { Wanted } from '../../segments/difference.ts';
import { partOf } from '../../segments/spool.ts';

/** A membership as somebody wants it, part by part. */
interface WantedParts {
  part(number: number): Wanted;
}

/** Whether somebody is a member once all that is wanted is confirmed. */
export function staysBy(
  { ledger }: { ledger: Pick<Ledger, 'db'> },
  segment: number,
  wanted: WantedParts,
): (id: string) => boolean {
  return (id) => {
    const part = partOf(id);
    const { add, remove } = wanted.part(part);
    if (add.has(id)) return true;
    return remove !== 'rest' && !remove.has(id) && isMember(ledger, segment, [part, id]);
  };
}

/** Whether somebody is a confirmed member. */
export function isConfirmed({ ledger }: { ledger: Pick<Ledger, 'db'> }, segment: number): (id: string) => boolean {
  return (id) => isMember(ledger, segment, [partOf(id), id]);
}

/** Whether somebody is to be added, or to be removed, by name. */
export function spokenOf(wanted: WantedParts): (id: string) => boolean {
  return (id) => {
    const { add, remove } = wanted.part(partOf(id));
    return add.has(id) || (remove !== 'rest' && remove.has(id));
  };
}
