import { EMAIL_LIMIT, parseEmail, parsePhone } from './contact.ts';
import type { FieldSettings } from './field-settings.ts';
import { INVISIBLE, isPlaceholder, KEY_LIMIT } from './key.ts';
import { compileMoment, formatUtc } from './moment.ts';
import { found, isPlain, longerThan, masked } from './text.ts';

/** Where a reader leaves what is wrong with a value. One for each row mapper: rows that are fine cost nothing. */
export interface Fault {
  code: string;
  reason: string;
}

/** A value as it is sent, or `undefined` with the code and the reason in `fault`. Money is read elsewhere: it needs the row. */
export type Coerce = (text: string, fault: Fault) => string | undefined;

const NAME_FIELDS = new Set(['first_name', 'last_name']);
const PERSONAL_FIELDS = new Set(['email', 'first_name', 'last_name', 'partner_user_id', 'phone']);

/** Whether a value of this field may not be shown in an error. */
export function isPersonal(name: string, settings: FieldSettings): boolean {
  return (
    PERSONAL_FIELDS.has(name) ||
    settings.type === 'email' ||
    settings.type === 'phone' ||
    settings.template !== undefined
  );
}

/** What the settings say, and what Extole's own fields have to be. */
export function typeOf(name: string, settings: FieldSettings): NonNullable<FieldSettings['type']> {
  return name === 'email' ? 'email' : (settings.type ?? 'text');
}

/** `where` names the column, to begin a reason with. */
export function compileCoerce(name: string, settings: FieldSettings, where: string): Coerce | undefined {
  const refuse = (fault: Fault, code: string, text: string, rule: string) => {
    fault.code = code;
    fault.reason = `${where}: found ${isPersonal(name, settings) ? masked(text) : found(text)}; ${rule}`;
    return undefined;
  };
  switch (typeOf(name, settings)) {
    case 'email':
      return (text, fault) => {
        if (longerThan(text, EMAIL_LIMIT)) {
          return refuse(fault, 'EMAIL_TOO_LONG', text, `an e-mail address has at most ${EMAIL_LIMIT} characters`);
        }
        return (
          parseEmail(text) ??
          refuse(fault, 'EMAIL_INVALID', text, 'one e-mail address is needed, such as name@example.com')
        );
      };
    case 'phone': {
      const { callingCode } = settings;
      const rule =
        callingCode === undefined
          ? 'a number with + and its country code is needed'
          : `a number of country code ${callingCode}, or one with +, is needed`;
      return (text, fault) => parsePhone(text, callingCode) ?? refuse(fault, 'PHONE_INVALID', text, rule);
    }
    case 'integer': {
      const pattern = settings.negative === true ? /^-?\d{1,30}$/ : /^\d{1,30}$/;
      const rule = settings.negative === true ? 'a whole number is needed' : 'a whole number of zero or more is needed';
      return (text, fault) => (pattern.test(text) ? plainInteger(text) : refuse(fault, 'INTEGER_INVALID', text, rule));
    }
    case 'date': {
      const read = compileMoment({
        format: settings.format ?? ['iso'],
        // A zone is only needed for a time of day; a date alone is sent as it is.
        timezone: settings.timezone ?? 'UTC',
        gap: settings.gap ?? 'refuse',
        overlap: settings.overlap ?? 'refuse',
        dateOnly: 'start-of-day',
      });
      return (text, fault) => {
        const moment = read(text);
        if (!moment.ok) return refuse(fault, 'DATE_INVALID', text, moment.rule);
        if (!moment.wall.timed) return new Date(moment.wall.ms).toISOString().slice(0, 10);
        if (moment.wall.offset === undefined && settings.timezone === undefined) {
          return refuse(
            fault,
            'DATE_INVALID',
            text,
            'an offset such as -05:00 or Z is needed, since the field declares no timezone',
          );
        }
        return formatUtc(moment.ms);
      };
    }
    default:
      return compileText(name, where, refuse);
  }
}

function compileText(
  name: string,
  where: string,
  refuse: (fault: Fault, code: string, text: string, rule: string) => undefined,
): Coerce | undefined {
  if (NAME_FIELDS.has(name)) {
    return (text, fault) => {
      if (!longerThan(text, KEY_LIMIT)) return text;
      return refuse(fault, 'NAME_TOO_LONG', text, `${name} has at most ${KEY_LIMIT} characters`);
    };
  }
  if (name === 'partner_user_id') {
    return (text, fault) => {
      if (longerThan(text, KEY_LIMIT)) {
        return refuse(
          fault,
          'PARTNER_USER_ID_TOO_LONG',
          text,
          `${name} has at most ${KEY_LIMIT} characters, and an id is never cut`,
        );
      }
      if (!isPlain(text) && INVISIBLE.test(text)) {
        return refuse(fault, 'CONTROL_CHARS', text, 'an id may not hold control or invisible characters');
      }
      if (!isPlaceholder(text)) return text;
      fault.code = 'PARTNER_USER_ID_PLACEHOLDER';
      fault.reason = `${where}: found ${found(text)}, which stands for no value and would merge people; list it under "empty" of this field to read it as none`;
      return undefined;
    };
  }
  return undefined;
}

/** `007` and `7` are the same number, so that they compare equal. */
function plainInteger(text: string): string {
  const digits = text.replace(/^(-?)0+(?=\d)/, '$1');
  return digits === '-0' ? '0' : digits;
}
