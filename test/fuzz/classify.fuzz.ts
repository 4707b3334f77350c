import { classify } from '../../src/destinations/extole/classify.ts';
import { ACTING, must, takeFrom } from './support.ts';

const HEADERS = ['retry-after', 'x-extole-error-message'] as const;

/** Replies of any status, headers and body: always one answer; a yes only for a 200 that names the event. */
export function fuzz(data: Buffer): void {
  const take = takeFrom(data);
  const status = take.pick([200, 200, 200, 100 + take.number(250) + take.number(250)]);
  const header = take.pick([...HEADERS, undefined, undefined]);
  const truncated = take.number(8) === 0;
  const api = take.pick(['v5', 'v6'] as const);
  const text = take.rest().toString('utf8');
  const cut = header === undefined ? 0 : Math.min(text.length, take.number(40));
  const value = text.slice(0, cut);
  const body = text.slice(cut);
  const answer = classify(
    {
      kind: 'reply',
      status,
      header: (name) => (name === header ? value : undefined),
      body,
      ...(truncated ? { truncated: true as const } : {}),
    },
    api,
    1_790_000_000_000,
  );
  must(['accepted', 'rejected', 'retryable', 'unknown', 'halted'].includes(answer.kind), 'no answer', answer);
  if (answer.kind === 'accepted') {
    must(status === 200 && !truncated && header !== 'x-extole-error-message', 'accepted without a clean 200', status);
    const parsed: unknown = JSON.parse(body);
    must(typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed), 'accepted without an object');
    const names = api === 'v5' ? ['event_id', 'id'] : ['event_id'];
    const ids = names.map((name) => Reflect.get(parsed, name)).filter((id) => id !== undefined);
    must(
      ids.some((id) => (typeof id === 'string' && id !== '') || typeof id === 'number'),
      'accepted without an id',
      body,
    );
    must(answer.proof.eventId !== '', 'an empty id');
    return;
  }
  must(answer.code !== '' && answer.code.length <= 64 && answer.reason !== '', 'no code or reason', answer);
  must(!ACTING.test(`${answer.code}${answer.reason}`), 'raw control characters', answer);
  must(answer.reason.length < 1500, 'an endless reason', answer.reason.length);
  if (answer.kind === 'retryable' && answer.afterMs !== undefined)
    must(answer.afterMs >= 1000 && answer.afterMs <= 600_000, 'a wait out of bounds', answer.afterMs);
}
