import type { Answer } from '../../../model.ts';
import { haltOf } from '../../halt.ts';
import type { Asked, Reply } from '../../patience.ts';
import { jsonObject, listOf } from '../../reply-json.ts';
import { all, type Called } from '../../split.ts';
import { clean, impersonal, withoutValues } from '../../words.ts';
import { PROVIDER } from '../classify.ts';

/** What is wrong where Braze refuses everything. */
export interface Hints {
  unauthorized: string;
  forbidden: string;
}

/**
 * What the answer to a call about members means for those in it. Total. Braze says yes or no to the whole call; a yes means queued, and
 * that people whom it does not know were passed over without a word. `secrets`: what the call holds that no reason may repeat.
 */
export function classifyMembers(
  asked: Asked,
  members: readonly unknown[],
  hints: Hints,
  secrets: readonly string[],
): Called {
  if ('stopped' in asked) return all(members, asked.stopped);
  const { reply } = asked;
  const { status } = reply;
  if (status === 200 || status === 201 || status === 202) return all(members, yes(reply, members.length));
  const said = saidBy(reply);
  if (status === 400 || status === 413 || status === 422 || status === 431) {
    const refused: Answer = { kind: 'rejected', code: `HTTP_${status}`, reason: said || answered(reply), http: status };
    return { refused: withoutValues(refused, secrets) };
  }
  return all(members, withoutValues(haltOf(reply, { provider: PROVIDER, said, ...hints }), secrets));
}

/** Whether Braze is at another change of the cohort, and asks to come back. */
export function busy(reply: Reply): string | undefined {
  return reply.status === 423 ? 'it is at another change of the cohort' : undefined;
}

function yes(reply: Reply, members: number): Answer {
  const http = reply.status;
  const message = reply.truncated ? undefined : jsonObject(reply.body)?.message;
  if (message === 'success')
    return { kind: 'accepted', proof: { kind: 'batch_counts', eventId: `members=${members}` }, http };
  const reason = `${answered(reply)} without "success", so the answer may come from something in between`;
  return { kind: 'unknown', code: 'BAD_ANSWER', reason, http };
}

const answered = ({ status }: Reply): string => `${PROVIDER} answered ${status}`;

/** Braze's own words on an error: `{message, errors}`, either may be missing. */
export function saidBy(reply: Reply): string {
  const object = reply.truncated ? undefined : jsonObject(reply.body);
  const words = [object?.message, object?.error, ...listOf(object?.errors)].map((text) =>
    typeof text === 'string' ? text : '',
  );
  return impersonal(clean(words.filter((text) => text !== '').join('; ')));
}
