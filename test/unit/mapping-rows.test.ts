import { describe, expect, test } from 'vitest';
import { compileMapping, requiredColumns } from '../../src/mapping/compile.ts';
import { eventNameOfFile, eventNames } from '../../src/mapping/event-name.ts';
import { eventSettings } from '../../src/mapping/settings.ts';
import { BASE, codeOf, dataOf, GOOD, mapRow, NOW, type Settings } from './mapping-rows-setup.ts';

test('a good row becomes an event with its key, its time in UTC and its data', () => {
  expect(mapRow({ ...GOOD, email: ' Jane@Example.com ' })).toMatchObject({
    ok: true,
    event: {
      line: 2,
      key: 'A-1',
      eventName: 'account_opened',
      eventTime: '2026-11-20T14:03:00Z',
      data: { partner_conversion_id: 'A-1', email: 'jane@example.com', partner_user_id: '007' },
    },
    orderKey: '007',
    person: 'jane@example.com',
    eventMs: Date.UTC(2026, 10, 20, 14, 3),
    contentHash: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
});

test('ids stay text: zeros, long numbers and exponents survive', () => {
  for (const id of ['007', '9007199254740993', '1E5']) {
    const mapped = mapRow({ ...GOOD, id, member: id });
    expect(mapped.ok && mapped.event.data).toMatchObject({ partner_conversion_id: id, partner_user_id: id });
  }
});

describe('a data field', () => {
  test('comes from a column, a constant or a template', () => {
    const row = { first: ' Ann ', last: 'Lee' };
    const data = {
      a: 'first',
      b: { const: 'x' },
      c: { template: '{first} {last}{{}}' },
      d: { const: true },
      e: { const: 5 },
    };
    expect(dataOf(row, data)).toEqual({ a: 'Ann', b: 'x', c: 'Ann Lee{}', d: 'true', e: '5' });
  });

  test('from a template has no value where one of the columns has none', () => {
    expect(dataOf({ first: 'Ann', last: ' ' }, { c: { template: '{first} {last}', default: 'friend' } })).toEqual({
      c: 'friend',
    });
  });

  test('is trimmed, lower-cased, mapped and given a default as the job says', () => {
    expect(dataOf({ x: ' AbC ' }, { a: { from: 'x', lower: true }, b: { from: 'x', trim: false } })).toEqual({
      a: 'abc',
      b: ' AbC ',
    });
    const map = { CHK: 'checking', NONE: '', '*': 'other' };
    expect(dataOf({ x: 'CHK' }, { a: { from: 'x', map } })).toEqual({ a: 'checking' });
    expect(dataOf({ x: 'chk' }, { a: { from: 'x', map } })).toEqual({ a: 'other' });
    expect(dataOf({ x: 'NONE' }, { a: { from: 'x', map } })).toEqual({});
    expect(dataOf({ x: '' }, { a: { from: 'x', default: 'd' }, b: 'x' })).toEqual({ a: 'd' });
    expect(dataOf({ x: 'N/A' }, { a: { from: 'x', empty: ['N/A'] } })).toEqual({});
  });

  test('that is required and empty, or holds what is not mapped, rejects the row and says so', () => {
    expect(dataOf({ x: ' ' }, { a: { from: 'x', required: true } })).toBe('FIELD_REQUIRED');
    const mapped = mapRow(
      { ...GOOD, x: 'XYZ' },
      { data: { ...BASE.data, product: { from: 'x', map: { CHK: 'checking', SAV: 'savings' } } } },
    );
    expect(mapped).toEqual({
      ok: false,
      code: 'VALUE_NOT_MAPPED',
      key: 'A-1',
      reason: 'column "x": found "XYZ"; allowed: CHK, SAV',
    });
  });

  test('of a type is converted, or the row is rejected with the code of that type', () => {
    const data = (type: 'date' | 'integer' | 'phone' | 'email') => ({ a: { from: 'x', type } });
    expect(dataOf({ x: '2026-12-01' }, data('date'))).toEqual({ a: '2026-12-01' });
    expect(dataOf({ x: '2026-12-01T10:00:00+01:00' }, data('date'))).toEqual({ a: '2026-12-01T09:00:00Z' });
    expect(dataOf({ x: '2026-12-01T10:00:00' }, data('date'))).toBe('DATE_INVALID');
    expect(
      dataOf({ x: '01.12.2026' }, { a: { from: 'x', type: 'date', format: ['yyyy-MM-dd', 'dd.MM.yyyy'] } }),
    ).toEqual({ a: '2026-12-01' });
    expect(dataOf({ x: '12/01/2026' }, data('date'))).toBe('DATE_INVALID');
    expect(dataOf({ x: '007' }, data('integer'))).toEqual({ a: '7' });
    expect(dataOf({ x: '7.0' }, data('integer'))).toBe('INTEGER_INVALID');
    expect(dataOf({ x: '-7' }, data('integer'))).toBe('INTEGER_INVALID');
    expect(dataOf({ x: '12345' }, data('phone'))).toBe('PHONE_INVALID');
    expect(dataOf({ x: 'nobody' }, data('email'))).toBe('EMAIL_INVALID');
  });

  test('with control characters rejects the row, or loses them where the job says so', () => {
    expect(dataOf({ x: 'a\u0000b' }, { a: 'x' })).toBe('CONTROL_CHARS');
    expect(dataOf({ x: 'a\u0000b\ud800' }, { a: { from: 'x', controlChars: 'strip' } })).toEqual({ a: 'ab' });
    expect(dataOf({ x: 'two\nlines\t' }, { a: 'x' })).toEqual({ a: 'two\nlines' });
  });

  test('of a column that the file lacks has no value', () => {
    expect(dataOf({}, { a: 'nowhere', b: { from: 'nowhere', default: 'd' } })).toEqual({ b: 'd' });
  });
});

describe('a row is rejected', () => {
  test('for what Extole does not take of a person', () => {
    expect(codeOf({ email: `${'x'.repeat(250)}@example.com` })).toBe('EMAIL_TOO_LONG');
    expect(codeOf({ email: 'jane' })).toBe('EMAIL_INVALID');
    expect(codeOf({ member: 'x'.repeat(39) })).toBe('PARTNER_USER_ID_TOO_LONG');
    expect(codeOf({ member: 'N/A' })).toBe('PARTNER_USER_ID_PLACEHOLDER');
    expect(codeOf({ email: '', member: ' ' })).toBe('IDENTITY_MISSING');
    expect(codeOf({ email: '' })).toBe('ok');
    expect(codeOf({ member: undefined })).toBe('ok');
    const names = { data: { ...BASE.data, first_name: 'first' } };
    expect(codeOf({ first: 'é'.repeat(38) }, names)).toBe('ok');
    expect(codeOf({ first: 'é'.repeat(39) }, names)).toBe('NAME_TOO_LONG');
  });

  test('for its time: missing, not as declared, too far ahead, too old', () => {
    expect(codeOf({ at: '' })).toBe('TIME_MISSING');
    expect(codeOf({ at: '11/20/2026' })).toBe('TIME_INVALID');
    expect(codeOf({ at: '2026-11-22T09:00:00Z' })).toBe('ok');
    expect(codeOf({ at: '2026-11-22T09:00:01Z' })).toBe('TIME_FUTURE');
    expect(codeOf({ at: '2025-11-21T09:00:00Z' })).toBe('ok');
    expect(codeOf({ at: '2025-11-21T08:59:59Z' })).toBe('TIME_TOO_OLD');
    expect(codeOf({ at: '2025-11-21T08:59:59Z' }, { maxAge: '500d' })).toBe('ok');
    expect(mapRow({ ...GOOD, at: '2099-01-05T00:00:00Z' })).toMatchObject({
      reason:
        'column "at": found "2099-01-05T00:00:00Z", that is 2099-01-05T00:00:00Z; allowed: at most 1d ahead of now (event.maxAhead)',
    });
  });

  test('for the first fault in the order name, key, time, data, person, and with its key where that is good', () => {
    const bad = { id: '', at: 'x', email: 'x', member: '' };
    expect(codeOf(bad)).toBe('KEY_MISSING');
    expect(codeOf({ ...bad, id: 'A-1' })).toBe('TIME_INVALID');
    expect(codeOf({ ...bad, id: 'A-1', at: GOOD.at })).toBe('EMAIL_INVALID');
    expect(mapRow({ ...GOOD, at: 'x' })).toMatchObject({ key: 'A-1' });
    expect(mapRow({ ...GOOD, id: 'x'.repeat(40) })).not.toHaveProperty('key');
  });

  test('without a word of the e-mail address, the names or the numbers it holds', () => {
    const data = {
      ...BASE.data,
      first_name: 'first',
      phone: { from: 'phone', type: 'phone' as const },
      product: { from: 'product', map: { A: 'a' } },
    };
    const rows = [
      { email: 'jane.roe@' },
      { first: `Janeroe${'e'.repeat(40)}` },
      { phone: 'janeroe' },
      { member: `janeroe${'e'.repeat(40)}` },
      { product: 'janeroe@x.com' },
      { id: `janeroe@${'x'.repeat(40)}` },
    ];
    for (const row of rows) {
      const mapped = mapRow({ ...GOOD, first: 'J', phone: '', product: 'A', ...row }, { data });
      expect(mapped.ok).toBe(false);
      expect(JSON.stringify(mapped)).not.toMatch(/jane.?roe/i);
    }
  });

  test('for card numbers where the job asks to look for them, which are not repeated', () => {
    const row = { ...GOOD, note: 'card 4111 1111 1111 1111' };
    expect(mapRow(row).ok).toBe(true);
    for (const panCheck of [true, ['note']] as const) {
      const mapped = mapRow(row, { panCheck: panCheck === true ? true : [...panCheck] });
      expect(mapped).toMatchObject({ ok: false, code: 'PAN_FOUND' });
      expect(JSON.stringify(mapped)).not.toContain('4111');
    }
    expect(codeOf({ id: '4111111111111111' }, { panCheck: true })).toBe('ok');
  });
});

describe('event names', () => {
  const fromColumn: Settings = {
    name: undefined,
    nameFrom: 'column',
    nameColumn: 'what',
    allowedNames: ['opened', 'funded'],
    names: { O: 'opened' },
  };
  const fromFile: Settings = {
    name: undefined,
    nameFrom: 'file',
    allowedNames: ['order-shipments', 'opened'],
    names: { openings: 'opened' },
  };

  test('come from a column, through aliases, if they are allowed; case counts', () => {
    const name = (what: string) => {
      const mapped = mapRow({ ...GOOD, what }, fromColumn);
      return mapped.ok ? mapped.event.eventName : mapped.code;
    };
    expect(['opened', ' O ', 'funded'].map(name)).toEqual(['opened', 'opened', 'funded']);
    expect(['Opened', '', '../x', 'constructor', '__proto__'].map(name)).toEqual(
      Array(5).fill('EVENT_NAME_NOT_ALLOWED'),
    );
  });

  test("come from the file's name without its date and endings", () => {
    expect(
      [
        'account_opened-20261120.csv',
        'in/account_opened_2026-11-20T10.csv.gz',
        'account_opened.csv.pgp',
        'account_opened 20261120.psv',
      ].map(eventNameOfFile),
    ).toEqual(Array(4).fill('account_opened'));
    const mapped = mapRow(GOOD, fromFile, 'openings-20261120.csv');
    expect(mapped.ok && mapped.event.eventName).toBe('opened');
    expect(mapRow(GOOD, fromFile, 'other-20261120.csv')).toMatchObject({ code: 'EVENT_NAME_NOT_ALLOWED' });
  });

  test('that a file can have are known before it is read', () => {
    const parse = (settings: Settings) => eventSettings.parse({ ...BASE, ...settings });
    expect(eventNames(parse({}), 'x.csv')).toEqual(['account_opened']);
    expect(eventNames(parse(fromColumn), 'x.csv')).toEqual(['opened', 'funded']);
    expect(eventNames(parse(fromFile), 'order-shipments-20261120.csv.gz')).toEqual(['order-shipments']);
    expect(eventNames(parse(fromFile), 'x.csv')).toEqual([]);
  });
});

describe('columns', () => {
  test('match without regard to case, blanks and composition', () => {
    expect(
      mapRow({ ' ID ': 'A-1', At: GOOD.at, 'E-Mail\u0301': 'x@example.com' }, { data: { email: 'e-mail\u0301' } }).ok,
    ).toBe(true);
  });

  test('may be passed through by a list, or all that are not used otherwise', () => {
    const row = { ...GOOD, branch: ' NY ', note: '', partner_conversion_id: 'other' };
    const sent = (passthrough: true | string[]) => {
      const mapped = mapRow(row, { passthrough });
      return mapped.ok ? mapped.event.data : mapped.code;
    };
    const always = { partner_conversion_id: 'A-1', email: 'jane@example.com', partner_user_id: '007' };
    expect(sent(['branch'])).toEqual({ ...always, branch: 'NY' });
    expect(sent(true)).toEqual({ ...always, branch: 'NY' });
    expect(codeOf({ first_name: 'x'.repeat(39) }, { passthrough: true })).toBe('NAME_TOO_LONG');
  });

  test('that appear while the file is read are found', () => {
    const columns = ['id', 'at', 'email'];
    const settings = eventSettings.parse({ ...BASE, data: { ...BASE.data, product: 'product' }, passthrough: true });
    const map = compileMapping(settings, columns, { fileName: 'x.jsonl', now: NOW, hash: (text) => text });
    const values = ['A-1', GOOD.at, 'x@example.com'];
    expect(map(values, 1)).toMatchObject({ event: { data: { email: 'x@example.com' } } });
    columns.push('product', 'extra');
    expect(map([...values, 'auto', 'e'], 2)).toMatchObject({ event: { data: { product: 'auto', extra: 'e' } } });
    expect(map(values, 3)).toMatchObject({ ok: true });
  });

  test('that the mapping reads are listed once each', () => {
    const settings = eventSettings.parse({
      ...BASE,
      data: {
        ...BASE.data,
        t: { template: '{First} {last}' },
        m: { from: 'amount', type: 'money', currency: { from: 'cur' } },
        c: { const: 'x' },
        f: 'first',
      },
      passthrough: ['branch'],
      orderBy: 'household',
      panCheck: ['note'],
    });
    expect(requiredColumns(settings)).toEqual([
      'id',
      'at',
      'email',
      'member',
      'First',
      'last',
      'amount',
      'cur',
      'branch',
      'household',
      'note',
    ]);
  });
});

test('rows are ordered by member, else by e-mail, or as the job says', () => {
  const orderKey = (row: Record<string, string>, settings: Settings = {}) => {
    const mapped = mapRow({ ...GOOD, ...row }, settings);
    return mapped.ok ? mapped.orderKey : mapped.code;
  };
  expect(orderKey({})).toBe('007');
  expect(orderKey({ member: '', email: 'A@B.example' })).toBe('a@b.example');
  expect(orderKey({}, { orderBy: 'email' })).toBe('jane@example.com');
  expect(orderKey({ house: ' H1 ' }, { orderBy: 'house' })).toBe('H1');
});

test('a mapping of ten fields is quick enough for the row path', () => {
  const settings = eventSettings.parse({
    ...BASE,
    time: { from: 'at', format: 'MM/dd/yyyy HH:mm', timezone: 'America/New_York' },
    data: {
      ...BASE.data,
      first_name: 'first',
      last_name: 'last',
      phone: { from: 'phone', type: 'phone', callingCode: '1' },
      full: { template: '{first} {last}' },
      product: { from: 'product', map: { CHK: 'checking' } },
      cart_value: { from: 'amount', type: 'money', currency: 'USD', locale: 'en' },
      channel: { from: 'channel', lower: true, default: 'branch' },
      source: { const: 'core' },
    },
  });
  const row = {
    id: 'A-1',
    at: '11/20/2026 14:03',
    email: 'jane@example.com',
    member: '007',
    first: 'Jane',
    last: 'Roe',
    phone: '(212) 555-0143',
    product: 'CHK',
    amount: '1,250.00',
    channel: 'Branch',
  };
  const map = compileMapping(settings, Object.keys(row), { fileName: 'x.csv', now: NOW, hash: () => '' });
  const values = Object.values(row);
  const started = process.cpuUsage();
  for (let line = 0; line < 20_000; line += 1) map(values, line);
  const { user, system } = process.cpuUsage(started);
  // Twenty times the time it takes on a quiet machine: only a mistake such as a pattern compiled for each row is found here.
  expect((user + system) / 20_000).toBeLessThan(50);
});
