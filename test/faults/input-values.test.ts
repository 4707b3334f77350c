import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { AT, csv, lineOf, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type Request, type World } from '../integration/support/e2e-world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** A value, and what becomes of its row: `delivered`, or `rejected` with a code; `sent`: how it arrives. */
type Value = readonly [value: string, fate: string, sent?: string];

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const now = Date.now();
const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Runs one file of a job with a row for each value, and compares what became of each and how it arrived. */
async function runValues(
  job: string,
  change: Record<string, unknown>,
  values: readonly Value[],
  column: 'id' | 'email' | 'member' | 'at' | 'amount' | 'note',
  arrived: (request: Request) => string | undefined,
): Promise<string> {
  world.job(job, {
    source: { match: `${job}.csv` },
    delivery: PATIENT,
    file: { maxRejected: 1, sharedKey: 1 },
    ...change,
  });
  const list = values.map(([value], i) => {
    const base: Record<string, string> = { ...row(`${job}-${i}`), note: 'n' };
    base[column] = value;
    return ['id', 'email', 'member', 'at', 'amount', 'note'].map((name) => quoted(base[name] ?? '')).join(',');
  });
  world.drop(`${job}.csv`, csv(list, 'id,email,member,at,amount,note'));
  const { run, stdout, stderr } = await world.run(job);
  expect(run, stderr).toMatchObject({ balanced: true, read: values.length, open: 0, failed: 0 });
  const results = world.read(`results/${job}.csv.results.csv`);
  const lines = readResults(results);
  expect(lines.map(({ outcome, code }, i) => [values[i]?.[0], `${outcome} ${code}`.trim()])).toEqual(
    values.map(([value, fate]) => [value, fate]),
  );
  const sent = new Map(world.requests().map((request) => [request.eventId, arrived(request)] as const));
  for (const [i, [value, , expected]] of values.entries()) {
    if (expected === undefined) continue;
    expect([value, sent.get(lines[i]?.eventId ?? '')]).toEqual([value, expected]);
  }
  const page = run.reportPath?.replace(/^.*served\//, '') ?? '';
  const told = ['html', 'csv', 'json'].map((ending) => world.read(page.replace(/html$/, ending)).toString());
  return [stdout, stderr, ...told].join('\n');
}

describe('times', () => {
  const time = (change: object): Record<string, unknown> => ({
    event: { time: { from: 'at', ...change }, maxAge: '20000d' },
    retention: { keys: '30000d' },
  });
  const instant = (request: Request): string => request.body.event_time.replace('.000Z', 'Z');

  it('I39: only what the job declares is a time; nothing rolls over, nothing is guessed', async () => {
    await runValues(
      'iso',
      time({ format: 'iso', timezone: 'America/New_York' }),
      [
        ['2026-01-15T10:00:00Z', 'delivered', '2026-01-15T10:00:00Z'],
        ['2026-01-15T10:00:00-0500', 'delivered', '2026-01-15T15:00:00Z'],
        ['2026-01-15T10:00:00+05:30', 'delivered', '2026-01-15T04:30:00Z'],
        ['2026-01-15 10:00:00', 'delivered', '2026-01-15T15:00:00Z'],
        ['2026-01-15', 'delivered', '2026-01-16T04:59:59Z'],
        ['2024-02-29', 'delivered', '2024-03-01T04:59:59Z'],
        ...[
          '01/15/2026',
          '15.01.2026',
          'Nov 5 26',
          '1795128067',
          '1795128067000',
          '46346',
          '26-01-15',
          '2024-02-30',
          '2025-02-29T00:00:00Z',
          '2026-01-15T24:00:00Z',
          '2026-01-15T23:59:60Z',
          '2026-1-5',
          '2026-01-15T10:00:00 America/New_York',
          '+002026-01-15T10:00:00Z',
          'now',
        ].map((text): Value => [text, 'rejected TIME_INVALID']),
        ['', 'rejected TIME_MISSING'],
      ],
      'at',
      instant,
    );
    await runValues(
      'declared',
      time({ format: ['MM/dd/yyyy', 'epoch-s', 'excel-serial', 'd MMM yyyy'], timezone: 'UTC' }),
      [
        ['03/04/2026', 'delivered', '2026-03-04T23:59:59Z'],
        ['1772582400', 'delivered', '2026-03-04T00:00:00Z'],
        ['46085.5', 'delivered', '2026-03-04T12:00:00Z'],
        ['4 Mar 2026', 'delivered', '2026-03-04T23:59:59Z'],
        ['13/04/2026', 'rejected TIME_INVALID'],
        ['3/4/2026', 'rejected TIME_INVALID'],
        ['2026-03-04', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });

  it('I40: a local time that clocks leave out or give twice rejects its row; without any zone, so does one without an offset', async () => {
    await runValues(
      'clocks',
      time({ format: 'yyyy-MM-dd HH:mm', timezone: 'America/New_York' }),
      [
        ['2026-03-08 01:59', 'delivered', '2026-03-08T06:59:00Z'],
        ['2026-03-08 02:30', 'rejected TIME_GAP'],
        ['2026-03-08 03:00', 'delivered', '2026-03-08T07:00:00Z'],
        ['2025-11-02 00:59', 'delivered', '2025-11-02T04:59:00Z'],
        ['2025-11-02 01:30', 'rejected TIME_OVERLAP'],
        ['2025-11-02 02:00', 'delivered', '2025-11-02T07:00:00Z'],
      ],
      'at',
      instant,
    );
    await runValues(
      'zoneless',
      time({ format: 'iso' }),
      [
        ['2026-03-08T02:30:00Z', 'delivered', '2026-03-08T02:30:00Z'],
        ['2026-03-08T02:30:00', 'rejected TIME_INVALID'],
        ['2026-03-08', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });

  it('I41: years 9999 and 1900, 26 hours ahead, 400 days ago are rejected by name (older than event.maxAge is rejected, not warned of)', async () => {
    await runValues(
      'far',
      {},
      [
        ['9999-12-31T23:59:59Z', 'rejected TIME_FUTURE'],
        [iso(now + 26 * HOUR), 'rejected TIME_FUTURE'],
        [iso(now + 22 * HOUR), 'delivered'],
        [iso(now - 364 * 24 * HOUR), 'delivered'],
        [iso(now - 400 * 24 * HOUR), 'rejected TIME_TOO_OLD'],
        ['1900-01-01T00:00:00Z', 'rejected TIME_TOO_OLD'],
        ['0001-01-01T00:00:00Z', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });
});

describe('values', () => {
  const field = (name: string) => (request: Request) => request.body.data[name];

  it('I42: an e-mail address is one address, in lower case, of at most 256 characters, or its row is rejected', async () => {
    const long = `${'a'.repeat(200)}@${'b'.repeat(51)}.com`;
    const told = await runValues(
      'mail',
      {},
      [
        ['  Jane.Roe@Example.COM ', 'delivered', 'jane.roe@example.com'],
        ['zoe\u0308@bu\u0308cher.example', 'delivered', 'zoë@bücher.example'],
        [long, 'delivered', long],
        [`a${long}`, 'rejected EMAIL_TOO_LONG'],
        [`${'x'.repeat(300)}@example.com`, 'rejected EMAIL_TOO_LONG'],
        ...[
          'canary@y.com, z@y.com',
          '<canary@y.com>',
          'canary y@z.com',
          'canary@',
          'canary',
          'can\u200bary@y.com',
          'mailto:canary@y.com',
        ].map((text): Value => [text, 'rejected EMAIL_INVALID']),
        ['', 'delivered'],
      ],
      'email',
      field('email'),
    );
    expect(told).not.toMatch(/canary|jane\.roe/i);
  });

  it('I43: an amount is read in the declared notation only', async () => {
    const amount = (locale: string) => ({
      event: { data: { cart_value: { from: 'amount', type: 'money', currency: 'USD', locale } } },
    });
    await runValues(
      'en',
      amount('en'),
      [
        ['1,234.50', 'delivered', '1234.50'],
        ['1234.5', 'delivered', '1234.50'],
        ['$5', 'delivered', '5.00'],
        ['999,999,999,999,999.99', 'delivered', '999999999999999.99'],
        ['1,000,000,000,000,000.00', 'rejected MONEY_INVALID'],
        ...[
          '1.234,50',
          '€5',
          '(5)',
          'NaN',
          'Infinity',
          '1e9',
          '1E5',
          '1.234',
          '-5',
          '12,34.50',
          '0x10',
          '٥',
          '--',
          '5 USD 5',
        ].map((text): Value => [text, 'rejected MONEY_INVALID']),
      ],
      'amount',
      field('cart_value'),
    );
    await runValues(
      'de',
      amount('de'),
      [
        ['1.234,50', 'delivered', '1234.50'],
        ['1,234.50', 'rejected MONEY_INVALID'],
        ['1.23', 'rejected MONEY_INVALID'],
      ],
      'amount',
      field('cart_value'),
    );
  });

  it('I44: an event name that is not allowed, in another case or with a path in it, rejects its row', async () => {
    await runValues(
      'kinds',
      {
        event: {
          name: null,
          nameFrom: 'column',
          nameColumn: 'note',
          allowedNames: ['account_opened'],
          names: { OPEN: 'account_opened' },
        },
      },
      [
        ['account_opened', 'delivered', 'account_opened'],
        ['OPEN', 'delivered', 'account_opened'],
        ...['Account_Opened', 'open', 'account_closed', '../account_opened', '__proto__', 'constructor', ''].map(
          (text): Value => [text, 'rejected EVENT_NAME_NOT_ALLOWED'],
        ),
      ],
      'note',
      ({ body }) => body.event_name,
    );
  });

  it('I45: what looks like a card or social security number, in any column, rejects its row, and is told nowhere', async () => {
    const numbers = [
      '4111111111111111',
      '4111 1111 1111 1111',
      '5500-0000-0000-0004',
      '378282246310005',
      '123-45-6789',
    ];
    const told = await runValues(
      'cards',
      { event: { panCheck: true } },
      [
        ...numbers.flatMap((text): Value[] => [
          [text, 'rejected PAN_FOUND'],
          [`card ${text}, thanks`, 'rejected PAN_FOUND'],
        ]),
        // What stands beside a number must not hide it.
        ['4111 1111 1111 1111 123', 'rejected PAN_FOUND'],
        ['4111 1111 1111 1111 12/27', 'rejected PAN_FOUND'],
        ['4111111111111111 1227', 'rejected PAN_FOUND'],
        ['1 4111111111111111', 'rejected PAN_FOUND'],
        ['2026-11-20 4111111111111111', 'rejected PAN_FOUND'],
        ['4111\u00a01111\u00a01111\u00a01111', 'rejected PAN_FOUND'],
        ['4111.1111.1111.1111', 'rejected PAN_FOUND'],
        ['123 45 6789', 'rejected PAN_FOUND'],
        ['4111111111111112', 'delivered'],
        ['order 2026-11-20 0042', 'delivered'],
        ['+1 212 555 0143', 'delivered'],
        ['000-12-3456', 'delivered'],
      ],
      'note',
      field('note'),
    );
    for (const text of numbers) expect(told.replace(/[^\d]/g, '').includes(text.replace(/\D/g, ''))).toBe(false);
    const ledger = (await import('node:fs')).readFileSync(world.ledger).toString('latin1');
    for (const text of numbers) expect(ledger).not.toContain(text);
  });

  it('I21: cells that a spreadsheet would run are sent as they are, and results leave the input as it is; reports for people do not repeat them', async () => {
    const cells = [
      '=HYPERLINK("http://x.example","y")',
      '+SUM(A1)',
      '-2+3',
      '@cmd',
      '＝1+1',
      '+15550001234',
      '-5',
      "'quoted",
    ];
    const told = await runValues(
      'formulas',
      { event: { data: { email: 'email', partner_user_id: 'member', cart_value: null, note: 'note' } } },
      cells.map((text): Value => [text, 'delivered', text]),
      'note',
      field('note'),
    );
    const results = world.read('results/formulas.csv.results.csv').toString();
    for (const text of cells) expect(results).toContain(quoted(text));
    expect(told).not.toContain('HYPERLINK');
  });

  it('I11: NUL, control and invisible characters in an id reject the row; elsewhere control characters do, or are stripped as the job says', {
    timeout: 90_000,
  }, async () => {
    const bad: Value[] = [
      'a\u0000b',
      'a\u0001b',
      'a\tb',
      'a\nb',
      'a\u007fb',
      'a\u0085b',
      'a\u200bb',
      'a\u202eb',
      'a\u2028b',
      'a\ufeffb',
    ].map((text) => [text, text.includes('\u0000') ? 'rejected NUL_BYTE' : 'rejected KEY_CONTROL_CHARS']);
    await runValues('ids', {}, bad, 'id', field('partner_conversion_id'));
    await runValues(
      'people',
      {},
      bad.map(([text, fate]): Value => [text, fate.replace('KEY_CONTROL_CHARS', 'CONTROL_CHARS')]),
      'member',
      field('partner_user_id'),
    );
    const note = (controlChars: string) => ({
      event: {
        data: { email: 'email', partner_user_id: 'member', cart_value: null, note: { from: 'note', controlChars } },
      },
    });
    await runValues(
      'notes',
      note('reject'),
      [
        ['a\u0001b', 'rejected CONTROL_CHARS'],
        ['a\u001b[2Jb', 'rejected CONTROL_CHARS'],
        ['a\u0000b', 'rejected NUL_BYTE'],
        ['a\tb\nc', 'delivered', 'a\tb\nc'],
        ['a\u2028b', 'delivered', 'a\u2028b'],
        ['\u0645\u200c\u0645 \u202eb', 'delivered', '\u0645\u200c\u0645 \u202eb'],
      ],
      'note',
      field('note'),
    );
    await runValues(
      'stripped',
      note('strip'),
      [
        ['a\u0001b', 'delivered', 'ab'],
        ['a\u001b[2Jb', 'delivered', 'a[2Jb'],
      ],
      'note',
      field('note'),
    );
  });
});

describe('JSON', () => {
  const record = (id: string, more = ''): string =>
    `{"id":${id},"email":"j@private.example","member":"M","at":"${AT}","amount":"1.00"${more}}`;

  it('I20: what each line says is taken exactly, or its row is rejected; lines beside it are not affected', async () => {
    world.job('lines', { source: { match: '*.jsonl' }, delivery: PATIENT, file: { maxRejected: 1, sharedKey: 1 } });
    const cases: [line: string, fate: string][] = [
      [record('"js-1"'), 'delivered'],
      [record('7465313346145957284'), 'delivered'],
      [record('1e400'), 'delivered'],
      [record('"js-2"', ',"more":{"deep":[1.50,{"x":null}]}'), 'delivered'],
      [record('"js-3"', ',"id":"js-4"'), 'rejected JSON_DUPLICATE_KEY'],
      [record('"js-5"', ',"__proto__":{"email":"x@y.example"}'), 'rejected JSON_RESERVED_KEY'],
      [record('"js-6"', ','), 'rejected JSON_INVALID'],
      [record('"js-7"') + record('"js-8"'), 'rejected JSON_INVALID'],
      [record('"js-9"').slice(0, -9), 'rejected JSON_INVALID'],
      [record('"\\ud800"'), 'rejected LONE_SURROGATE'],
      [record('"a\\u0000b"'), 'rejected NUL_BYTE'],
      [record('"a\\u001bb"'), 'rejected KEY_CONTROL_CHARS'],
      [record('null'), 'rejected KEY_MISSING'],
      ['[1]', 'rejected JSON_NOT_OBJECT'],
      [record('"js-10"'), 'delivered'],
    ];
    world.drop('a.jsonl', `\ufeff${cases.map(([text]) => text).join('\n')}\n`);
    const { run } = await world.run('lines');
    const lines: { line: number; outcome: string; code: string }[] = world
      .read('results/a.jsonl.results.jsonl')
      .toString()
      .trimEnd()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(lines.map(({ line, outcome, code }) => `${line} ${outcome} ${code ?? ''}`.trim())).toEqual(
      cases.map(([, fate], i) => `${i + 1} ${fate}`),
    );
    expect(run).toMatchObject({ read: cases.length, delivered: 5, balanced: true });
    const keys = world.requests().map(({ body }) => body.data.partner_conversion_id);
    expect(keys).toEqual(expect.arrayContaining(['7465313346145957284', '1e400']));
  });

  it('I20: an array that is not one whole array is refused, with its line, and nothing of it is sent', async () => {
    world.job('arrays', { source: { match: '*.json' }, delivery: PATIENT });
    const before = world.requests().length;
    const two = `${record('"ja-1"')},\n${record('"ja-2"')}`;
    const cases: [name: string, text: string, code: string, line: number][] = [
      ['comma.json', `[\n${two},\n]`, 'JSON_INVALID', 4],
      ['concatenated.json', `[\n${two}\n]\n[${record('"ja-3"')}]`, 'JSON_INVALID', 5],
      ['cut.json', `[\n${two}`, 'JSON_INVALID', 3],
      ['cutvalue.json', `[\n${two.slice(0, -20)}`, 'JSON_INVALID', 3],
      ['object.json', record('"ja-4"'), 'FORMAT_MISMATCH', 1],
      ['rows.json', csv([row('ja-5')]), 'FORMAT_MISMATCH', 1],
      ['broken.json', `[\n${two},\n{"id":x}]`, 'JSON_INVALID', 4],
    ];
    for (const [i, [name, text]] of cases.entries()) world.drop(name, text, 500 - i);
    world.drop('good.json', `\ufeff [ ${record('"ja-6"')} , ${record('"ja-7"')} ] \n`, 10);
    const { run } = await world.run('arrays');
    const refused = run.files.filter(({ path }) => path !== 'good.json');
    expect(refused.map(({ path, state, code }) => [path, state, code])).toEqual(
      cases.map(([name, , code]) => [name, 'refused', code]),
    );
    for (const [name, , , line] of cases)
      expect([name, JSON.parse(world.read(`results/${name}.results.jsonl`).toString()).line]).toEqual([name, line]);
    expect(run).toMatchObject({ read: 2, delivered: 2, balanced: true });
    expect(world.requests()).toHaveLength(before + 2);
  });
});

describe('keys', () => {
  it('I36, I37: the same key in two jobs of one account is sent once; other content is a conflict and never sent', async () => {
    const first = row('both-1');
    const second = row('both-2');
    for (const job of ['one', 'two']) world.job(job, { source: { match: `${job}-*.csv` }, delivery: PATIENT });
    world.drop('one-a.csv', csv([first, second]));
    world.drop('two-a.csv', csv([first, { ...second, amount: '9.99' }, row('both-3')]));
    expect((await world.run('one')).run).toMatchObject({ delivered: 2 });
    const { code, run } = await world.run('two');
    expect(run).toMatchObject({ duplicate: 1, conflict: 1, delivered: 1, balanced: true });
    expect(code).toBe(3);
    expect(fates(readResults(world.read('results/two-a.csv.results.csv')))).toEqual([
      '2 duplicate DUPLICATE',
      '3 conflict CONFLICT',
      '4 delivered',
    ]);
    const sent = world.requests().filter(({ body }) => body.data.partner_conversion_id?.startsWith('both-'));
    expect(sent.map(({ body }) => body.data.partner_conversion_id)).toEqual(['both-1', 'both-2', 'both-3']);
    expect(lineOf(second)).toContain(sent[1]?.body.data.cart_value ?? '?');
  });
});
