import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTCOMES } from '../../src/model.ts';
import { balanceOf, balanceOfFile, balanceOfFiles } from '../../src/reports/balance.ts';
import { formatUnits, groupAmount, parseUnits } from '../../src/reports/money.ts';
import { createTally, emptyCounts, type TallyRow } from '../../src/reports/tally.ts';
import { fileAccount } from './reports-fixture.ts';

const row = (more: Partial<TallyRow>): TallyRow => ({
  line: 2,
  state: 'delivered',
  code: '',
  reason: '',
  eventName: 'shipped',
  ...more,
});

describe('a tally', () => {
  it('adds rows up by event name, with exact money and the times of the first and last event', () => {
    const tally = createTally();
    tally.add(row({ money: { currency: 'USD', units: 1_000n }, eventMs: Date.UTC(2026, 10, 20, 9) }));
    tally.add(row({ money: { currency: 'USD', units: 2_000n }, eventMs: Date.UTC(2026, 10, 19, 9, 0, 0, 250) }));
    tally.add(row({ state: 'open', money: { currency: 'EUR', units: 1n } }));
    tally.add(row({ state: 'rejected', code: 'KEY_MISSING', reason: 'found nothing', eventName: '' }));
    expect(tally.pieces()).toEqual({
      counts: { ...emptyCounts(), read: 4, delivered: 2, rejected: 1, open: 1 },
      byEvent: [
        { eventName: '', counts: { ...emptyCounts(), read: 1, rejected: 1 }, money: {} },
        {
          eventName: 'shipped',
          counts: { ...emptyCounts(), read: 3, delivered: 2, open: 1 },
          money: { EUR: { read: '0.0001', open: '0.0001' }, USD: { read: '0.30', delivered: '0.30' } },
          firstEventTime: '2026-11-19T09:00:00.250Z',
          lastEventTime: '2026-11-20T09:00:00Z',
        },
      ],
      reasons: [
        { outcome: 'rejected', code: 'KEY_MISSING', count: 1, examples: [{ line: 2, reason: 'found nothing' }] },
      ],
    });
  });

  it('keeps five examples of a reason and counts the rest', () => {
    const tally = createTally();
    for (let line = 2; line < 102; line++)
      tally.add(row({ line, state: 'rejected', code: 'EMAIL_INVALID', reason: `found "a${line}"` }));
    const [reason] = tally.pieces().reasons;
    expect(reason?.count).toBe(100);
    expect(reason?.examples.map((example) => example.line)).toEqual([2, 3, 4, 5, 6]);
    expect(reason?.examples[0]?.reason).toBe('found "x9"');
  });

  it('tells the same code of two outcomes apart, the most frequent of an outcome first', () => {
    const tally = createTally();
    for (const [state, code] of [
      ['held', 'A'],
      ['rejected', 'B'],
      ['rejected', 'A'],
      ['rejected', 'A'],
    ] as const)
      tally.add(row({ state, code, reason: 'r' }));
    const told = tally.pieces().reasons.map(({ outcome, code, count }) => `${outcome} ${code} ${count}`);
    expect(told).toEqual(['rejected A 2', 'rejected B 1', 'held A 1']);
  });

  it('always balances, in rows and in money, whatever the rows are', () => {
    const rows = fc.array(
      fc.record({
        line: fc.nat(),
        state: fc.constantFrom(...OUTCOMES, 'open' as const),
        code: fc.constantFrom('', 'A', 'B'),
        reason: fc.string(),
        eventName: fc.constantFrom('', 'x', '__proto__', 'constructor'),
        money: fc.option(
          fc.record({
            currency: fc.constantFrom('USD', 'EUR'),
            units: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
          }),
          { nil: undefined },
        ),
        eventMs: fc.option(fc.integer({ min: 0, max: 4e12 }), { nil: undefined }),
      }),
    );
    fc.assert(
      fc.property(rows, (all) => {
        const tally = createTally();
        for (const each of all) tally.add(each);
        const pieces = tally.pieces();
        expect(pieces.counts.read).toBe(all.length);
        expect(balanceOfFile({ ...fileAccount({ name: 'x', shares: [] }), ...pieces })).toEqual({ balanced: true });
      }),
    );
  });
});

describe('the balance', () => {
  it('of a file counts the six outcomes and what is open', () => {
    const counts = { read: 21, delivered: 1, duplicate: 2, conflict: 3, rejected: 4, failed: 5, held: 6, open: 0 };
    expect(balanceOf(counts)).toEqual({ balanced: true });
    expect(balanceOf({ ...counts, open: 1 })).toEqual({
      balanced: false,
      imbalance: 'read 21, but outcomes + open = 22: 1 row too many',
    });
  });

  it('of a run counts what was carried in', () => {
    const counts = { ...emptyCounts(), read: 1_000, delivered: 1_010 };
    expect(balanceOf(counts, 10)).toEqual({ balanced: true });
    expect(balanceOf(counts, 12)).toEqual({
      balanced: false,
      imbalance: 'carried in 12 + read 1,000 = 1,012, but outcomes + open = 1,010: 2 rows unaccounted for',
    });
  });

  it('refuses counts that are no numbers of rows', () => {
    expect(balanceOf({ ...emptyCounts(), read: Number.NaN }).balanced).toBe(false);
    expect(balanceOf({ ...emptyCounts(), failed: -1, held: 1 }).balanced).toBe(false);
  });

  it('of a file finds money that went missing', () => {
    const file = fileAccount({ name: 'x.csv', shares: [['delivered', 3, '', '']] });
    const [event] = file.byEvent;
    if (event === undefined) throw new Error('the file has no event');
    event.money.USD = { read: '10.00', delivered: '9.99' };
    expect(balanceOfFile(file)).toEqual({
      balanced: false,
      imbalance: 'event account_opened: read 10.00 USD, but outcomes + open = 9.99 USD',
    });
  });

  it('of a file finds event names that do not add up to it', () => {
    const file = fileAccount({ name: 'x.csv', shares: [['delivered', 3, '', '']] });
    file.byEvent = file.byEvent.concat(file.byEvent);
    expect(balanceOfFile(file)).toMatchObject({ imbalance: 'read 3, but its event names have 6 rows' });
  });

  it('of the files seen counts each once', () => {
    expect(balanceOfFiles({ files: 4, processed: 1, held: 1, refused: 1, open: 1 }).balanced).toBe(true);
    expect(balanceOfFiles({ files: 5, processed: 1, held: 1, refused: 1, open: 1 }).balanced).toBe(false);
  });
});

describe('amounts', () => {
  it.each([
    [0n, '0.00'],
    [125_000n, '12.50'],
    [-31_250n, '-3.125'],
    [1n, '0.0001'],
    [10n ** 30n, `1${'0'.repeat(26)}.00`],
  ])('of %s units read %s', (units, text) => {
    expect(formatUnits(units)).toBe(text);
    expect(parseUnits(text)).toBe(units);
  });

  it('are never guessed', () => {
    expect(() => parseUnits('1e3')).toThrow('money total "1e3"');
  });

  it('are grouped for people', () => {
    expect(groupAmount('1234567.891')).toBe('1,234,567.891');
    expect(groupAmount('-999.00')).toBe('-999.00');
    expect(groupAmount('-1000.00')).toBe('-1,000.00');
  });
});
