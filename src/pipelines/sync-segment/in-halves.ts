import type { Part } from '../../ledger/segment-chunks.ts';

/** A reason that a change has no answer. */
export interface Why {
  code: string;
  reason: string;
}

/** What came of one try. `answered`: some change got an answer. `halted`: no more is to be sent. */
export interface Tried {
  rest?: Part;
  answered: boolean;
  why: Why;
  halted?: Why;
}

/** A change that has no answer, though it went all alone. */
export interface Lone {
  to: keyof Part;
  member: string;
  why: Why;
}

/** So many tries in vain one after the other say that the fault is the target's. Before anything had an answer: as many as three halvings make. */
const ENOUGH = { first: 14, later: 50 };

/**
 * Sends changes that together get no answer in halves, each once, until those that get none stand alone. Where none at all gets an answer, and they
 * are too many to try each alone, none of them is to blame: all are left. `send` throws only what ends the run.
 */
export async function inHalves(
  part: Part,
  why: Why,
  send: (part: Part) => Promise<Tried>,
): Promise<{ lone: Lone[]; left?: Part; halted?: Why }> {
  if (sizeOf(part) === 1) return { lone: loneOf(part, why) };
  const groups = halvesOf(part);
  const lone: Lone[] = [];
  let failures = 0;
  let answered = false;
  let halted: Why | undefined;
  for (let group = groups.shift(); group; group = groups.shift()) {
    const tried = await send(group);
    if (tried.answered) failures = 0;
    answered ||= tried.answered;
    const { rest } = tried;
    if (tried.halted) {
      halted = tried.halted;
      if (rest) groups.push(rest);
      break;
    }
    if (!rest) continue;
    failures++;
    if (sizeOf(rest) === 1) lone.push(...loneOf(rest, tried.why));
    else groups.push(...halvesOf(rest));
    if (failures >= (answered ? ENOUGH.later : ENOUGH.first)) break;
  }
  const isClear = answered || (groups.length === 0 && !halted);
  const blamed = isClear ? lone : [];
  const left = joined([...groups, ...(isClear ? [] : lone.map(asPart))]);
  return { lone: blamed, ...(left && { left }), ...(halted && { halted }) };
}

export const sizeOf = ({ add, remove }: Part): number => add.length + remove.length;

function halvesOf(part: Part): Part[] {
  const half = Math.ceil(sizeOf(part) / 2);
  const removes = Math.max(0, half - part.add.length);
  return [
    { add: part.add.slice(0, half), remove: part.remove.slice(0, removes) },
    { add: part.add.slice(half), remove: part.remove.slice(removes) },
  ];
}

function loneOf({ add, remove }: Part, why: Why): Lone[] {
  return [
    ...add.map((member): Lone => ({ to: 'add', member, why })),
    ...remove.map((member): Lone => ({ to: 'remove', member, why })),
  ];
}

const asPart = ({ to, member }: Lone): Part => ({ add: [], remove: [], [to]: [member] });

function joined(parts: readonly Part[]): Part | undefined {
  if (parts.length === 0) return undefined;
  return { add: parts.flatMap(({ add }) => add), remove: parts.flatMap(({ remove }) => remove) };
}
