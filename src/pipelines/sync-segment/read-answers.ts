import type { ChunkEnd, Part } from '../../ledger/segment-chunks.ts';
import type { PlacedMember } from '../../ledger/segment-members.ts';
import type { Answer } from '../../model.ts';
import { partOf } from '../../segments/spool.ts';
import { sizeOf, type Why } from './in-halves.ts';
import type { SyncContext } from './sync.ts';

/** What the answers to some changes say. */
export interface Read {
  end: ChunkEnd;
  /** Changes without a yes or a no. */
  rest?: Part;
  /** Why: of what is unclear, if anything is. */
  why: Why;
  /** Some of them may have been made. */
  unclear: boolean;
  /** Some change had a yes or a no. */
  answered: boolean;
  afterMs: number;
  halted?: Why;
}

/**
 * Whom the target does not know it does not have: to be removed is what it is. Any other no says nothing of the kind; who is to go
 * stays confirmed, and is asked for again by the next snapshot.
 */
const NOT_THERE = /^(?:MEMBER_UNKNOWN|MEMBER_UNWRITABLE|notFound|forgotten|invalid(?:Emails|UserIds)$)/;

/** Says of each change what the ledger is to know. `doubt`: an earlier try may have made it. */
export function readAnswers(
  { hash }: Pick<SyncContext, 'hash'>,
  { add, remove }: Part,
  answers: { add: readonly Answer[]; remove: readonly Answer[] },
  doubt: boolean,
): Read {
  const added: PlacedMember[] = [];
  const removed: PlacedMember[] = [];
  const refused: { member: string; keyHash: string; code: string; reason: string }[] = [];
  const doubted: PlacedMember[] = [];
  const rest: Part = { add: [], remove: [] };
  const read: Read = {
    end: { added, removed, refused, doubted },
    why: NO_ANSWER,
    ...{ unclear: false, answered: false, afterMs: 0 },
  };

  const judge = (member: string, answer: Answer | undefined, to: keyof Part): void => {
    switch (answer?.kind) {
      case 'accepted':
        (to === 'add' ? added : removed).push(placed(member));
        return;
      case 'rejected':
        if (to === 'remove' && NOT_THERE.test(answer.code)) removed.push(placed(member));
        else {
          refused.push({ member, keyHash: hash(member), code: answer.code, reason: answer.reason });
          // It may have gone by an earlier try.
          if (doubt && to === 'remove') doubted.push(placed(member));
        }
        return;
      case 'retryable':
        read.afterMs = Math.max(read.afterMs, answer.afterMs ?? 0);
        if (read.why === NO_ANSWER) read.why = whyOf(answer);
        break;
      case 'halted':
        read.halted ??= whyOf(answer);
        read.unclear ||= answer.doubtful === true;
        break;
      case 'unknown':
        read.afterMs = Math.max(read.afterMs, answer.afterMs ?? 0);
        read.why = whyOf(answer);
        read.unclear = true;
        break;
      default:
        read.unclear = true;
    }
    rest[to].push(member);
  };
  for (const [i, member] of add.entries()) judge(member, answers.add[i], 'add');
  for (const [i, member] of remove.entries()) judge(member, answers.remove[i], 'remove');
  if (sizeOf(rest) > 0) read.rest = rest;
  read.answered = sizeOf(rest) < add.length + remove.length;
  return read;
}

const NO_ANSWER: Why = { code: 'NO_ANSWER', reason: 'the target gave no answer' };

export const placed = (member: string): PlacedMember => [partOf(member), member];

const whyOf = ({ code, reason }: Why): Why => ({ code, reason });
