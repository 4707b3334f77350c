import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, lineOf, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type Request, type World } from '../integration/support/e2e-world.ts';
import { findMarks } from './support/state-search.ts';
import { quoted, runValues, type Value } from './support/values.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

describe('values', () => {
  const field = (name: string) => (request: Request) => request.body.data[name];

  it('I42: an e-mail address is one address, in lower case, of at most 256 characters, or its row is rejected', async () => {
    const long = `${'a'.repeat(200)}@${'b'.repeat(51)}.com`;
    const told = await runValues(
      world,
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
      world,
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
      world,
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
      world,
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
      world,
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
    const ledger = readFileSync(world.ledger).toString('latin1');
    for (const text of numbers) expect(ledger).not.toContain(text);
  });

  it.each([
    ['id', '6011000990139424'],
    ['member', '5500000000000004'],
    ['email', '378282246310005@private.example'],
    ['amount', '4111111111111111'],
    ['at', '4000056655665556'],
  ] as const)(
    'I45: a card number in the column %s rejects its row, and stands in nothing of ours but the copy of the file',
    async (column, number) => {
      const told = await runValues(
        world,
        `cards-${column}`,
        // `true` leaves the key alone, which may be a long number; it can be named.
        { event: { panCheck: column === 'id' ? ['id'] : true } },
        [[number, 'rejected PAN_FOUND']],
        column,
        () => undefined,
      );
      const digits = number.replace(/\D/g, '');
      expect(told).not.toContain(digits);
      expect(findMarks(world.state, [digits]).filter((found) => !/^staging\/p\d+\/input: /.test(found))).toEqual([]);
    },
  );

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
      world,
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
    await runValues(world, 'ids', {}, bad, 'id', field('partner_conversion_id'));
    await runValues(
      world,
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
      world,
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
      world,
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
