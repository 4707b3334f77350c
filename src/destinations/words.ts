import type { Answer } from '../model.ts';
import type { Profile } from './profile.ts';

/** E-mail addresses, and numbers as long as a telephone's. */
const PERSONAL = /(?<![^\s@"“”<>(),;:])[^\s@"“”<>(),;:]+@[^\s@"“”<>(),;]+|\+?\d(?:[ ().-]*\d){6,}/gu;

/** An error may repeat what it refuses: the ledger, logs and reports are to hold no personal data. */
export function impersonal(text: string): string {
  return text.replace(PERSONAL, '(not shown)');
}

const REASON_MAX = 300;

/**
 * Somebody else's words, made safe to store and to print: no control or invisible characters that could forge a line or
 * reverse the text, and not endless.
 */
export function clean(text: string): string {
  const visible = text
    .slice(0, REASON_MAX * 4)
    .replace(/[\s\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]+/gu, ' ')
    .trim();
  const points = [...visible];
  return points.length > REASON_MAX ? `${points.slice(0, REASON_MAX - 1).join('')}…` : visible;
}

const LEAST = 3;

/**
 * An answer in whose words none of these values stands, in whatever case: a provider may repeat what it refuses. The longest goes first,
 * since one may be part of another.
 */
export function withoutValues(answer: Answer, values: readonly string[]): Answer {
  if (answer.kind === 'accepted') return answer;
  const { length: most } = answer.reason;
  const hidden = values.filter(({ length }) => length >= LEAST && length <= most).sort((a, b) => b.length - a.length);
  if (hidden.length === 0) return answer;
  const any = new RegExp(hidden.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'), 'giu');
  const reason = answer.reason.replace(any, '(not shown)');
  return reason === answer.reason ? answer : { ...answer, reason };
}

/** What a provider says of a profile, without what the profile says of a person. */
export function withoutProfile(answer: Answer, { email = '', userId = '', fields }: Profile): Answer {
  return withoutValues(answer, [email, userId, ...Object.values(fields)]);
}
