import { describe, expect, it } from 'vitest';
import { dayOf, rollUp } from '../../src/reports/roll-up.ts';
import { eventTotals } from '../../src/reports/totals.ts';
import { verdictOf } from '../../src/reports/verdict.ts';
import { fileAccount, refusedFile, runAccount } from './reports-fixture.ts';

const morning = { startedAt: '2026-11-20T11:15:00Z', endedAt: '2026-11-20T11:16:00Z' };
const noon = { startedAt: '2026-11-20T17:15:00Z', endedAt: '2026-11-20T17:16:00Z' };

describe('the account of a day', () => {
  it('takes the runs that started on that day in the zone of the job', () => {
    const runs = [
      runAccount([], { run: 'late', startedAt: '2026-11-21T04:59:00Z' }),
      runAccount([], { run: 'next', startedAt: '2026-11-21T05:00:00Z' }),
      runAccount([], { run: 'early', startedAt: '2026-11-20T05:00:00Z' }),
      runAccount([], { run: 'before', startedAt: '2026-11-20T04:59:59Z' }),
    ];
    const day = rollUp(runs, '2026-11-20', 'America/New_York');
    expect(day.runs.map((run) => run.run)).toEqual(['early', 'late']);
    expect(dayOf('2026-03-08T06:59:59Z', 'America/New_York')).toBe('2026-03-08');
  });

  it('counts a file that two runs worked on once, as the newer one left it', () => {
    const first = fileAccount({
      name: 'x.csv',
      shares: [
        ['delivered', 90, '', ''],
        ['failed', 10, 'HTTP_503', 'r'],
      ],
    });
    const second = fileAccount({ name: 'x.csv', shares: [['delivered', 100, '', '']] });
    const runs = [
      runAccount([second], { run: 'b', carriedIn: 10, ...noon, counts: { ...second.counts, read: 0, delivered: 10 } }),
      runAccount([first], { run: 'a', ...morning }),
    ];
    const day = rollUp(runs, '2026-11-20', 'America/New_York');
    expect(day.files).toEqual([second]);
    expect(day.counts).toMatchObject({ read: 100, delivered: 100, failed: 0 });
    expect(day.balanced).toBe(true);
    expect(verdictOf(day).headline).toBe('Balanced');
  });

  it('keeps the first account of contents that were dropped twice, so that its deliveries stay', () => {
    const first = fileAccount({ name: 'x.csv', shares: [['delivered', 100, '', '']] });
    const again = fileAccount({
      name: 'x.csv',
      shares: [['duplicate', 100, 'DUPLICATE', 'known']],
      more: { repeatOf: first.processing, archivedAs: 'archive/x.csv.later' },
    });
    const day = rollUp([runAccount([first], morning), runAccount([again], noon)], '2026-11-20', 'UTC');
    expect(day.counts).toMatchObject({ read: 200, delivered: 100, duplicate: 100 });
    expect(day.seen).toEqual({ files: 2, processed: 2, held: 0, refused: 0, open: 0 });
  });

  it('does not balance where one of its runs does not', () => {
    const run = runAccount([fileAccount({ name: 'x.csv', shares: [['delivered', 1, '', '']] })], {
      ...morning,
      carriedIn: 1,
    });
    const day = rollUp([{ ...run, balanced: false }], '2026-11-20', 'UTC');
    expect(day.balanced).toBe(false);
    expect(verdictOf(day).headline).toBe(
      'DOES NOT BALANCE: run 01JD4Q8Z6W3V: carried in 1 + read 1 = 2, but outcomes + open = 1: 1 row unaccounted for',
    );
  });

  it('adds up event names and money over its files, exactly', () => {
    const files = ['a.csv', 'b.csv'].map((name) =>
      fileAccount({ name, currencies: ['USD', 'EUR'], shares: [['delivered', 4, '', '']] }),
    );
    const [total] = eventTotals(files);
    expect(total?.counts.delivered).toBe(8);
    expect(total?.money).toEqual({
      EUR: { read: '19752.96', delivered: '19752.96' },
      USD: { read: '14814.72', delivered: '14814.72' },
    });
    expect(total?.firstEventTime).toBe('2026-11-19T14:00:02Z');
    expect(total?.lastEventTime).toBe('2026-11-19T14:00:05Z');
  });
});

describe('the verdict', () => {
  it('believes the figures, not the flags', () => {
    const file = fileAccount({ name: 'x.csv', shares: [['delivered', 5, '', '']] });
    file.counts.delivered = 4;
    const run = runAccount([file], { balanced: true });
    expect(verdictOf(run).headline).toBe(
      'DOES NOT BALANCE: x.csv: read 5, but outcomes + open = 4: 1 row unaccounted for',
    );
  });

  it('does not say balanced where the account was closed unbalanced', () => {
    const file = fileAccount({ name: 'x.csv', shares: [['delivered', 5, '', '']], more: { balanced: false } });
    expect(verdictOf(runAccount([file])).balanced).toBe(false);
    expect(verdictOf(runAccount([], { balanced: false })).balanced).toBe(false);
  });

  it('names who moves next', () => {
    const run = runAccount(
      [
        refusedFile('broken.csv', { code: 'GZIP_TRUNCATED', message: 'ends early', line: 3 }),
        refusedFile('odd.csv', { code: 'TOO_MANY_REJECTED', message: '812 of 1,000' }, 'held'),
        fileAccount({
          name: 'x.csv',
          shares: [
            ['conflict', 3, 'CONFLICT', 'r'],
            ['held', 1, 'DELIVERY_UNKNOWN', 'r'],
            ['rejected', 2, 'KEY_MISSING', 'r'],
            ['failed', 4, 'HTTP_503', 'r'],
            ['open', 5, '', ''],
          ],
        }),
      ],
      { halted: { code: 'HTTP_401', reason: 'the token was refused' } },
    );
    const verdict = verdictOf(run);
    expect(verdict.headline).toBe('Balanced');
    expect(verdict.summary).toBe('Every row is accounted for. 5 things need a person.');
    expect(verdict.concerns.map((concern) => `${concern.for}: ${concern.title}`)).toEqual([
      'you: Stopped early: HTTP_401',
      'you: broken.csv was refused: GZIP_TRUNCATED',
      'you: odd.csv was held: TOO_MANY_REJECTED',
      'you: 3 rows in conflict',
      'you: 1 row held',
      'sender: 2 rows rejected',
      'nobody: 4 rows failed for now',
      'nobody: 5 rows still open',
    ]);
  });

  it('is calm where nothing needs anybody', () => {
    expect(verdictOf(runAccount([])).summary).toBe('No file arrived. Nothing needs you.');
    const delivered = fileAccount({ name: 'x.csv', shares: [['delivered', 5, '', '']] });
    expect(verdictOf(runAccount([delivered]))).toMatchObject({
      balanced: true,
      concerns: [],
      summary: 'Every row is accounted for. Nothing needs you.',
    });
  });

  it('of a day forgets a stop that a later run got past', () => {
    const stopped = runAccount([], { ...morning, run: 'a', halted: { code: 'HTTP_401', reason: 'r' } });
    const fine = runAccount([], { ...noon, run: 'b' });
    expect(verdictOf(rollUp([stopped, fine], '2026-11-20', 'UTC')).concerns).toEqual([]);
    expect(verdictOf(rollUp([stopped], '2026-11-20', 'UTC')).concerns).toHaveLength(1);
  });
});
