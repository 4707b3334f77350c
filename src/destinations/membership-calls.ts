import { type Answer, TransferError } from '../model.ts';
import { createCallSender, type Outgoing, type Prepared } from './calls.ts';
import type { MembershipAnswers, MembershipChanges, MembershipTarget } from './membership.ts';
import type { Profile } from './profile.ts';
import type { Called } from './split.ts';

/** A member to be added or removed. */
export interface Change {
  id: string;
  add: boolean;
}

/** A change on its way; `json` as it is sent. */
export interface ChangeRow extends Outgoing {
  change: Change;
}

/** A provider that answers each call at once. `kind` of what is prepared: calls carry changes of one kind only. */
export interface ChangeProvider {
  prepare(change: Change): Prepared;
  /** What a call takes at most; `bytes` of the changes with a comma between them. */
  bounds: { rows: number; bytes: number };
  call(rows: readonly ChangeRow[], signal: AbortSignal): Promise<Called>;
  /** Whether a refusal says that nobody is known by the id: however many there are of those, the settings may be right. */
  isUnknown?(answer: Answer): boolean;
  close(): Promise<void>;
}

/** Changes of members are sent as profiles are: in bounded calls, split where one is refused, and not at all after a call without an answer. */
export function createChangeSender(provider: ChangeProvider): Pick<MembershipTarget, 'apply' | 'close'> {
  const known = new WeakMap<Profile, Change>();
  const unknown = new WeakMap<Profile, Answer>();
  const changeOf = (profile: Profile): Change => known.get(profile) ?? { id: profile.userId ?? '', add: false };
  const sender = createCallSender({
    prepare: (profile) => provider.prepare(changeOf(profile)),
    bounds: provider.bounds,
    async call(rows, signal) {
      const changes = rows.map((row) => ({ ...row, change: changeOf(row.profile) }));
      const called = await provider.call(changes, signal);
      return 'answers' in called ? { answers: called.answers.map((answer, i) => passedOver(answer, rows[i])) } : called;
    },
    close: () => provider.close(),
  });

  function passedOver(answer: Answer, row: Outgoing | undefined): Answer {
    if (!row || !provider.isUnknown?.(answer)) return answer;
    unknown.set(row.profile, answer);
    return PASSED_OVER;
  }

  return {
    async apply(changes, signal) {
      const batch = asList(changes).map((change): Profile => {
        const profile = { userId: change.id, fields: {} };
        known.set(profile, change);
        return profile;
      });
      const answers = await sender.send(batch, signal);
      return asAnswers(
        batch.map((profile, i) => unknown.get(profile) ?? answers[i] ?? LOST),
        changes,
      );
    },
    close: () => sender.close(),
  };
}

/** Stands for such a refusal while the rest is sent. It never leaves this file. */
const PASSED_OVER: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: '' } };

const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer to this member' };

/** Adds first, then removes. */
export function asList({ add, remove }: MembershipChanges): Change[] {
  return [...add.map((id) => ({ id, add: true })), ...remove.map((id) => ({ id, add: false }))];
}

/** Answers in the order of `asList`, apart again. */
export function asAnswers(answers: readonly Answer[], { add }: MembershipChanges): MembershipAnswers {
  return { add: answers.slice(0, add.length), remove: answers.slice(add.length) };
}

/** An answer to preparing or reading that is no yes. `what`: could not be done. */
export function notReady(what: string, answer: Answer, hint: string): TransferError {
  const [code, reason] = answer.kind === 'accepted' ? ['BAD_ANSWER', ''] : [answer.code, answer.reason];
  return new TransferError(code, `${what}: ${reason}`, {
    retryable: answer.kind === 'retryable' || answer.kind === 'unknown',
    hint,
  });
}
