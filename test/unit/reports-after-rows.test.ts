import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/reports/report.ts';
import { rollUp } from '../../src/reports/roll-up.ts';
import { verdictOf } from '../../src/reports/verdict.ts';
import { exitCodeOf } from '../../src/schedule/verbs/run.ts';
import { exportAccount, pushAccount, shareLinksRun } from './reports-after-fixture.ts';
import { runAccount, SCRIPT } from './reports-fixture.ts';

describe('a report of exports and pushes', () => {
  it('has a record for each of them, with why it is not done', async () => {
    const { csv } = await renderReport(shareLinksRun());
    const records: Record<string, string>[] = parse(csv, { columns: true, bom: true });
    const [first, held] = records.filter(({ record }) => record === 'export');
    expect(first).toMatchObject({
      file: 'hubspot-csv',
      state: 'published',
      read: '1204',
      delivered: '1200',
      rejected: '4',
    });
    expect(first?.detail).toContain('left out: 3 IDENTIFIER_MISSING, 1 LINK_INVALID');
    expect(held).toMatchObject({ state: 'held', code: 'EXPORT_SHRUNK' });
    const [push] = records.filter(({ record }) => record === 'push');
    expect(push).toMatchObject({ file: 'crm', delivered: '1190', duplicate: '9', rejected: '5', balanced: 'yes' });
    expect(records.find(({ record, file }) => record === 'reason' && file === 'crm')).toMatchObject({ rejected: '5' });
  });

  it('says what needs a person, and lets nothing from outside become markup', async () => {
    const run = shareLinksRun();
    const titles = verdictOf(run)
      .concerns.filter((concern) => concern.for === 'you')
      .map(({ title }) => title);
    expect(titles).toContain('Export sfmc held: EXPORT_SHRUNK');
    expect(titles).toContain('5 profiles rejected by crm');
    expect(titles).toContain('Push mail stopped: UNAUTHORIZED');
    const { html } = await renderReport(run);
    expect(html).toContain('Files for import');
    expect(html).toContain('Profiles at other tools');
    expect(html).not.toContain(SCRIPT);
  });

  it('says so where they do not balance', () => {
    const short = exportAccount({ rows: 1000, balanced: false });
    const lost = pushAccount({ counts: { ...pushAccount().counts, delivered: 1000 } });
    const { balanced, imbalances } = verdictOf(runAccount([], { exports: [short], pushes: [lost] }));
    expect(balanced).toBe(false);
    expect(imbalances[0]).toBe('the export hubspot-csv: read 1204, but 1000 rows and 4 left out');
    expect(imbalances[1]).toMatch(/^the push crm: read 1,204, but outcomes \+ open = 1,014/);
  });

  it('ends the command with what somebody has to look at', () => {
    expect(exitCodeOf(runAccount([], { exports: [exportAccount()], pushes: [pushAccount()] }))).toBe(0);
    expect(exitCodeOf(runAccount([], { exports: [exportAccount({ state: 'held' })] }))).toBe(3);
    expect(exitCodeOf(runAccount([], { exports: [exportAccount({ state: 'open' })] }))).toBe(4);
    expect(exitCodeOf(runAccount([], { pushes: [pushAccount({ state: 'open' })] }))).toBe(4);
  });

  it('of a day has each once, and of what waited only what still does', () => {
    const at = (hour: string) => ({ startedAt: `2026-11-20T${hour}:00:00Z`, endedAt: `2026-11-20T${hour}:01:00Z` });
    const open = pushAccount({ state: 'open', counts: { ...pushAccount().counts, delivered: 0, open: 1190 } });
    const first = runAccount([], {
      run: 'r1',
      job: 'share-links',
      ...at('10'),
      exports: [exportAccount({ state: 'held' })],
      pushes: [open],
    });
    const second = runAccount([], {
      run: 'r2',
      job: 'share-links',
      ...at('11'),
      exports: [exportAccount({ export: 'e9' })],
      pushes: [pushAccount()],
    });
    const day = rollUp([first, second], '2026-11-20', 'UTC');
    expect(day.exports).toMatchObject([{ export: 'e9' }]);
    expect(day.pushes).toMatchObject([{ push: 'u3', state: 'done' }]);
  });
});
