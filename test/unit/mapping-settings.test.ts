import { describe, expect, test } from 'vitest';
import { eventSettings } from '../../src/mapping/settings.ts';

const BASE = { name: 'x', key: 'id', time: 'at', data: { email: 'email' } };

/** Complaints as `path: message`. */
function complaints(settings: object): string[] {
  const parsed = eventSettings.safeParse({ ...BASE, ...settings });
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('short forms and long forms mean the same, and what was parsed parses to itself', () => {
  const short = eventSettings.parse(BASE);
  const long = eventSettings.parse({
    ...BASE,
    key: { from: 'id' },
    time: { from: 'at', format: 'iso' },
    data: { email: { from: 'email' } },
    maxAge: '365d',
  });
  expect(long).toEqual(short);
  expect(eventSettings.parse(JSON.parse(JSON.stringify(short)))).toEqual(short);
});

describe('a mistake is named with what was found and what is needed', () => {
  test.each([
    [{ name: undefined }, 'name: one of name and nameFrom is needed; found neither'],
    [{ nameFrom: 'file', allowedNames: ['x'] }, 'nameFrom: one of name and nameFrom is needed; found both'],
    [
      { name: undefined, nameFrom: 'column', allowedNames: ['x'] },
      'nameColumn: nameFrom: column needs nameColumn, the column that holds the event name',
    ],
    [
      { name: undefined, nameFrom: 'file' },
      'allowedNames: nameFrom needs allowedNames, the event names that are accepted',
    ],
    [
      { name: undefined, nameFrom: 'file', allowedNames: ['a'], names: { b: 'c' } },
      'names.b: "c" is not among allowedNames: a',
    ],
    [
      { time: { from: 'at', format: 'MM/dd/yyyy' } },
      'time.timezone: the format "MM/dd/yyyy" has no zone, so timezone must say where it holds, such as America/New_York',
    ],
    [
      { time: { from: 'at', timezone: 'New York' } },
      'time.timezone: found "New York"; an IANA time zone is needed, such as America/New_York',
    ],
    [{ data: { name: 'x' } }, 'data: a person is needed: map email or partner_user_id, or both'],
    [
      { data: { email: 'e', event_time: 'x' } },
      'data.event_time: event_time may not be set here: name it as event.time',
    ],
    [
      { data: { email: 'e', partner_conversion_id: 'x' } },
      'data.partner_conversion_id: partner_conversion_id may not be set here: it always holds the key; name its column as event.key',
    ],
    [{ passthrough: ['email'] }, 'passthrough.0: email is a field of data already'],
    [{ compare: ['emial'] }, 'compare.0: "emial" is not sent; allowed: email, event_time, event_name'],
    [
      { maxAge: '1 year' },
      'maxAge: found "1 year"; a length of time is a number and a unit of ms, s, m, h, d or w, such as 60s or 7d',
    ],
  ])('%j', (settings, complaint) => {
    expect(complaints(settings)).toContain(complaint);
  });

  test.each([
    [{ from: 'x', const: 'y' }, 'one of from, const and template is needed; found from and const'],
    [{ type: 'text' }, 'one of from, const and template is needed; found none of them'],
    [{ from: 'x', type: 'money' }, 'type: money needs a currency, such as USD, or { from: column }'],
    [{ from: 'x', type: 'money', currency: 'US' }, 'found "US"; a currency code is needed, such as USD'],
    [{ from: 'x', locale: 'en' }, 'locale needs type: money'],
    [
      { from: 'x', type: 'date', format: 'dd.MM.yyyy HH:mm' },
      'the format "dd.MM.yyyy HH:mm" has no zone, so timezone must say where it holds, such as America/New_York',
    ],
    [
      { from: 'x', type: 'date', format: 'DD.MM.YYYY' },
      '"DD.MM.YYYY" has the unknown letter D; quote text as \'at\'; tokens: yyyy MM dd HH mm ss SSS hh a MMM X; or one of iso, epoch-s, epoch-ms, excel-serial',
    ],
    [
      { from: 'x', type: 'money', currency: 'USD', default: 'free' },
      'the default "free" is not of type money: allowed: an amount written as 1234.50, not below zero, in USD',
    ],
  ])('field %j', (field, message) => {
    const parsed = eventSettings.safeParse({ ...BASE, data: { email: 'e', x: field } });
    expect(JSON.stringify(parsed.error?.issues ?? [])).toContain(JSON.stringify(message).slice(1, -1));
  });
});
