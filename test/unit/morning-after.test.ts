import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { type RunSteps, stepsOfDay } from '../../src/reports/morning-after.ts';
import { renderMorning } from '../../src/reports/morning-report.ts';
import { morningVerdict } from '../../src/reports/morning-words.ts';
import { lostLinksMorning, shareLinksMorning, ZONE } from './morning-fixture.ts';
import { exportAccount, pushAccount } from './reports-after-fixture.ts';

const run = (n: number, startedAt: string, more: Pick<RunSteps, 'exports' | 'pushes'>): RunSteps => ({
  ...{ run: `r${n}`, job: 'share-links', startedAt },
  ...more,
});
const held = exportAccount({ export: 'e8', target: 'sfmc', state: 'held' });
const open = pushAccount({ push: 'u4', target: 'mail', state: 'open' });

describe('exports and pushes of a day', () => {
  const day = '2026-11-20';
  const of = (...runs: RunSteps[]): unknown => stepsOfDay(runs, day, ZONE);

  test('are those that ended on it, in the zone of the job; what ended later is in the next report', () => {
    const late = run(1, '2026-11-21T04:59:00Z', { exports: [exportAccount()], pushes: [pushAccount()] });
    const next = run(2, '2026-11-21T05:00:00Z', { exports: [exportAccount({ export: 'e9' })] });
    expect(of(late, next)).toEqual({ exports: [exportAccount()], pushes: [pushAccount()] });
  });

  test('are those that wait still, and not those that a later run brought to their end', () => {
    const first = run(1, '2026-11-20T12:00:00Z', { exports: [held], pushes: [open] });
    expect(of(first)).toEqual({ exports: [held], pushes: [open] });
    const done = {
      exports: [exportAccount({ ...held, state: 'published' })],
      pushes: [pushAccount({ ...open, state: 'done' })],
    };
    expect(of(first, run(2, '2026-11-21T12:00:00Z', done))).toEqual({});
    expect(of(first, run(2, '2026-11-20T13:00:00Z', done))).toEqual(done);
  });

  test('what the newest run left held is told, however long ago that was', () => {
    expect(of(run(1, '2026-11-02T12:00:00Z', { exports: [held, exportAccount()] }))).toEqual({ exports: [held] });
  });
});

describe('the morning report of share links and segments', () => {
  test('says what a person has to do, and every number, in each of its forms', async () => {
    const account = shareLinksMorning();
    const { yours, balanced } = morningVerdict(account);
    expect(balanced).toBe(true);
    expect(yours).toContain('Export sfmc held: EXPORT_SHRUNK');
    expect(yours).toContain('Push mail stopped: UNAUTHORIZED');
    const { csv, json, html } = await renderMorning(account);
    const lines: Record<string, string>[] = parse(csv, { bom: true, columns: true, record_delimiter: '\r\n' });
    const of = (record: string): Record<string, string>[] => lines.filter((line) => line.record === record);
    expect(of('export')).toMatchObject([
      {
        day: '2026-11-20',
        job: 'share-links',
        file: 'hubspot-csv',
        state: 'published',
        read: '1204',
        delivered: '1200',
      },
      { state: 'held', code: 'EXPORT_SHRUNK' },
      { state: 'open', code: 'SFTP_UNREACHABLE' },
    ]);
    expect(of('push')).toMatchObject([
      { file: 'crm', read: '1204', delivered: '1190', rejected: '5', balanced: 'yes' },
      { file: 'mail', state: 'open', open: '804' },
    ]);
    expect(of('push')[0]?.results_file).toBe('/results/push-crm-20261121T060000Z.results.csv');
    expect(of('segment')).toMatchObject([{ event_name: 'vip', state: 'done', read: '1204' }]);
    expect(JSON.parse(json)).toMatchObject({
      exports: [{ export: 'e7' }, { export: 'e8' }, {}],
      pushes: [{ push: 'u3' }, {}],
    });
    for (const title of ['Segments', 'Files for import', 'Profiles at other tools'])
      expect(html).toContain(`<h2>${title}</h2>`);
    expect(html).not.toContain('<script');
  });

  test('does not balance where an export or a push does not', async () => {
    const account = lostLinksMorning();
    expect(account.balanced).toBe(false);
    const { headline, imbalances } = morningVerdict(account);
    expect(headline).toContain('DOES NOT BALANCE: the export hubspot-csv: read 1204, but 1199 rows and 4 left out');
    expect(imbalances).toHaveLength(2);
  });
});
