import { secureLink } from '../exports/link.ts';
import type { TellLink } from '../ledger/links.ts';
import { readObject, textOf } from './json.ts';

/** What a body was read as. `why` names fields and never what is in them. */
export type Reading<T> =
  | { kind: 'ok'; value: T }
  | { kind: 'ignored'; why: string }
  | { kind: 'unreadable'; why: string };

/** Extole's own word for the event; the payload of each webhook is configurable, and so is this. */
const LINK_EVENTS = /^(?:share[ _]link[ _]created|created[ _]share[ _]link|advocate[ _]code[ _]created)$/i;
const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const CONTROL = /[\u0000-\u001f\u007f]/;
const LONGEST = { email: 256, id: 255, link: 2048 };

/**
 * The share link in a webhook of Extole: `{event, email, partner_user_id, timestamp, share_link}`, and, where the payload has them, `code`,
 * `key`, `label` and `person_id`. Fields that it does not know are left alone. A body about something else is ignored.
 */
export function readShareLink(text: string, now: number): Reading<TellLink & { label?: string }> {
  const body = readObject(text);
  if (!body) return unreadable('the body is no JSON object');
  const told = textOf(body.share_link) ?? textOf(body.link);
  if (told === undefined) {
    const event = textOf(body.event) ?? textOf(body.type) ?? '';
    return LINK_EVENTS.test(event)
      ? unreadable('share_link is missing')
      : { kind: 'ignored', why: 'there is no share_link in it' };
  }
  const link = told.length > LONGEST.link ? undefined : secureLink(told.trim());
  if (link === undefined) return unreadable('share_link is no link of a web page');
  const email = textOf(body.email)?.trim();
  if (email !== undefined && (email.length > LONGEST.email || !EMAIL.test(email)))
    return unreadable('email is no e-mail address');
  const [partnerUserId, personId, key, label] = [body.partner_user_id, body.person_id, body.key, body.label].map(
    (each) => textOf(each)?.trim(),
  );
  const code = (textOf(body.code) ?? textOf(body.advocate_code) ?? textOf(body.share_code))?.trim() ?? '';
  if ([partnerUserId, personId, key, label, code].some(isUnfit))
    return unreadable('partner_user_id, person_id, code, key or label is too long, or has control characters');
  if (email === undefined && partnerUserId === undefined && personId === undefined)
    return unreadable('email and partner_user_id are missing');
  const asOf = readMoment(body.timestamp ?? body.event_time, now);
  const value = { email, partnerUserId, personId, link, code, key, cameBy: 'webhook', asOf } as const;
  return { kind: 'ok', value: label === undefined ? value : { ...value, label } };
}

const isUnfit = (text: string | undefined): boolean =>
  text !== undefined && (text.length > LONGEST.id || CONTROL.test(text));

const unreadable = (why: string): { kind: 'unreadable'; why: string } => ({ kind: 'unreadable', why });

const MILLISECONDS_FROM = 100_000_000_000;

/**
 * When it was: ISO 8601 with a zone, or seconds or milliseconds since 1970. What cannot be read, and what is later than now, is now: a link
 * that is dated tomorrow would stand against all that are told today.
 */
function readMoment(told: unknown, now: number): number {
  const text = textOf(told)?.trim() ?? '';
  const number = /^\d{9,15}$/.test(text) ? Number(text) : undefined;
  const zoned = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d):?(\d\d)?$/i.exec(text);
  const at =
    number === undefined
      ? Date.parse(
          zoned ? `${zoned[1]?.replace(' ', 'T')}${zoned[2]}${zoned[3] === undefined ? '' : `:${zoned[3]}`}` : '',
        )
      : number < MILLISECONDS_FROM
        ? number * 1000
        : number;
  return Number.isNaN(at) ? now : Math.min(at, now);
}
