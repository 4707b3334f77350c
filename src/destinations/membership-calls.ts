import { type Answer, TransferError } from '../model.ts';
import { type CallProvider, createCallSender, type Outgoing } from './calls.ts';
import type { MembershipAnswers, MembershipChanges, MembershipTarget } from './membership.ts';
import { withoutValues } from './words.ts';

/** A member to be added or removed. */
export interface Change {
  id: string;
  add: boolean;
}

/** A change on its way; `json` as it is sent. */
export type ChangeRow = Outgoing<Change>;

/** Changes of members are sent as profiles are: in bounded calls, split where one is refused, and not at all after a call without an answer. */
export function createChangeSender(
  provider: Omit<CallProvider<Change>, 'masked'>,
): Pick<MembershipTarget, 'apply' | 'close'> {
  const sender = createCallSender<Change>({
    ...provider,
    masked: (answer, { id }) => withoutValues(answer, [id]),
  });
  return {
    apply: async (changes, signal) => asAnswers(await sender.send(asList(changes), signal), changes),
    close: () => sender.close(),
  };
}

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
