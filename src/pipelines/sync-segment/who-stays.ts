import type { Ledger } from '../../ledger/open.ts';
import { isMember } from '../../ledger/segment-members.ts';
import type { Wanted } from '../../segments/difference.ts';
import { partOf } from '../../segments/spool.ts';

/** Ids are asked for in any order, and a part is read from the disk: so many parts stay at hand, a small share of all members. */
const AT_HAND = 8;

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
  const partAt = lately(wanted);
  return (id) => {
    const part = partOf(id);
    const { add, remove } = partAt(part);
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
  const partAt = lately(wanted);
  return (id) => {
    const { add, remove } = partAt(partOf(id));
    return add.has(id) || (remove !== 'rest' && remove.has(id));
  };
}

/** The parts of a membership, of which those that were asked for last are kept. */
function lately(wanted: WantedParts): (number: number) => Wanted {
  const kept = new Map<number, Wanted>();
  return (number) => {
    const part = kept.get(number) ?? wanted.part(number);
    kept.delete(number);
    kept.set(number, part);
    for (const oldest of kept.keys()) {
      if (kept.size <= AT_HAND) break;
      kept.delete(oldest);
    }
    return part;
  };
}
