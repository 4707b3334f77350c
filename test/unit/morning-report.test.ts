import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { renderMorning } from '../../src/reports/morning-report.ts';
import { lastDays, manyFiles, morning, realisticMorning, seen, uglyMorning } from './morning-fixture.ts';
import { fileAccount, SCRIPT } from './reports-fixture.ts';

const at = (iso: string): number => Date.parse(iso);
const records = (csv: string): Record<string, string>[] =>
  parse(csv, { bom: true, columns: true, record_delimiter: '\r\n' });

describe('the morning report', () => {
  it("counts a file on the day on which it came in the job's zone, also where its results were revised later", () => {
    const late = fileAccount({ name: 'late.csv', shares: [['delivered', 4, '', '']] });
    const account = morning([
      // 23:59 of the 18th in New York, then 0:01 of the 19th.
      seen({ name: 'a', account: late }, at('2026-11-19T04:59:00Z')),
      seen({ name: 'b', account: late }, at('2026-11-19T05:01:00Z'), at('2026-11-20T15:00:00Z')),
    ]);
    const days = Object.fromEntries(account.days.map((day) => [day.day, day]));
    expect(days['2026-11-18']).toMatchObject({ seen: { files: 1 }, counts: { read: 4 }, revised: { files: 0 } });
    expect(days['2026-11-19']).toMatchObject({
      seen: { files: 1 },
      counts: { read: 4 },
      revised: { files: 1, lastOn: '2026-11-20' },
    });
    expect(days['2026-11-20']?.seen.files).toBe(0);
    expect(account.hours[23]).toBe(1);
    expect(account.hours[0]).toBe(1);
  });

  it('puts what came after the last day apart, and leaves what came before the first day out', () => {
    const file = fileAccount({ name: 'x.csv', shares: [['delivered', 3, '', '']] });
    const account = morning(
      [
        seen({ name: 'x', account: file }, at('2026-11-17T12:00:00Z')),
        seen({ name: 'x', account: file }, at('2026-11-18T12:00:00Z')),
        seen({ name: 'x', account: file }, at('2026-11-21T08:00:00Z')),
      ],
      {},
      3,
    );
    expect(account.days.map(({ day }) => day)).toEqual(lastDays(3));
    expect(account.counts.read).toBe(3);
    expect(account.since?.counts.read).toBe(3);
  });

  it('adds money up exactly, and never across currencies or event names', () => {
    const money = (currency: string, read: string, delivered: string, eventName = 'funded') => ({
      ...fileAccount({ name: 'm.csv', shares: [] }),
      byEvent: [
        {
          eventName,
          counts: { read: 1, delivered: 1, duplicate: 0, conflict: 0, rejected: 0, failed: 0, held: 0, open: 0 },
          money: { [currency]: { read, delivered } },
        },
      ],
      counts: { read: 1, delivered: 1, duplicate: 0, conflict: 0, rejected: 0, failed: 0, held: 0, open: 0 },
    });
    const day = at('2026-11-20T12:00:00Z');
    const account = morning([
      seen({ name: '1', account: money('USD', '0.10', '0.10') }, day),
      seen({ name: '2', account: money('USD', '0.20', '0.20') }, day - 86_400_000),
      seen({ name: '3', account: money('USD', '90071992547409.93', '90071992547409.93') }, day),
      seen({ name: '4', account: money('EUR', '5.00', '5.00') }, day),
      seen({ name: '5', account: money('USD', '7.00', '7.00', 'opened') }, day),
    ]);
    expect(account.events.map(({ eventName, money }) => [eventName, money])).toEqual([
      [
        'funded',
        {
          EUR: { read: '5.00', delivered: '5.00' },
          USD: { read: '90071992547410.23', delivered: '90071992547410.23' },
        },
      ],
      ['opened', { USD: { read: '7.00', delivered: '7.00' } }],
    ]);
    expect(account.balanced).toBe(true);
  });

  it('does not balance where a file, a run or the sum of a day does not', () => {
    expect(uglyMorning().balanced).toBe(false);
    expect(uglyMorning().days.at(-1)?.imbalances[0]).toBe(
      'lost-one.csv: read 500, but outcomes + open = 499: 1 row unaccounted for',
    );
    expect(realisticMorning().balanced).toBe(true);
  });

  it('as CSV: each record can be filtered, and the days add up to what the events say', async () => {
    const account = realisticMorning();
    const all = records((await renderMorning(account)).csv);
    const days = all.filter((each) => each.record === 'day');
    expect(days).toHaveLength(30);
    const sum = (kind: string, column: string): number =>
      all.filter((each) => each.record === kind).reduce((total, each) => total + Number(each[column]), 0);
    for (const column of ['read', 'delivered', 'rejected']) expect(sum('event', column)).toBe(sum('day', column));
    expect(sum('day', 'read')).toBe(account.counts.read);
    expect(all.find((each) => each.record === 'money' && each.day === '2026-11-20')).toMatchObject({
      currency: 'USD',
      delivered: account.days.at(-1)?.events.find((event) => event.eventName === 'account_opened')?.money.USD
        ?.delivered,
    });
    expect(sum('hour', 'files')).toBe(account.days.reduce((files, day) => files + day.seen.files, 0));
  });

  it('as JSON: says its form, the verdict, and what waits with its age', async () => {
    const json: unknown = JSON.parse((await renderMorning(realisticMorning())).json);
    expect(json).toMatchObject({
      format: 'referry-morning-report/1',
      verdict: { balanced: true, headline: 'Balanced' },
      waiting: [{ what: 'files refused', count: 1, oldest: '2026-11-20T11:15:00Z' }, {}, {}],
      expected: [
        { day: '2026-11-12', state: 'missing' },
        { day: '2026-11-20', state: 'too-small', solvedAt: null },
      ],
    });
  });

  it('as a page: hostile names stay text, and 500 files are all there', async () => {
    const page = (await renderMorning(uglyMorning())).html;
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain(SCRIPT);
    const many = (await renderMorning(manyFiles(500))).html;
    expect(many.match(/branch-\d{4}-openings/g)).toHaveLength(500);
    // What needs somebody comes first.
    expect(many.indexOf('branch-0485')).toBeLessThan(many.indexOf('branch-0001'));
  });
});
