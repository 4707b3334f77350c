import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { renderReport } from '../../src/reports/report.ts';
import { harmless } from '../../src/reports/report-csv.ts';
import { rollUp } from '../../src/reports/roll-up.ts';
import { renderFileTable } from '../../src/reports/text-table.ts';
import { fileAccount, realisticRun, runAccount, SCRIPT, uglyRun } from './reports-fixture.ts';

function records(csv: string): Record<string, string>[] {
  return parse(csv, { bom: true, columns: true, record_delimiter: '\r\n' });
}

describe('the report as CSV', () => {
  it('has the totals, each file, event, amount and reason as records that can be filtered', async () => {
    const all = records((await renderReport(realisticRun())).csv);
    expect(all[0]).toMatchObject({ record: 'run', read: '1376', delivered: '1175', conflict: '9', balanced: 'yes' });
    const file = all.find((each) => each.record === 'file' && each.file === 'account-openings-20261120.csv');
    expect(file).toMatchObject({
      state: 'processed',
      rejected: '45',
      lane: 'async-events',
      proof: 'Extole answered with an event id for each delivered row',
      results_file: 'results/account-openings-20261120.csv.results.csv',
    });
    const money = all.find((each) => each.record === 'money');
    expect(money).toMatchObject({ currency: 'USD', event_name: 'account_opened', delivered: '772241971.20' });
    const reason = all.find((each) => each.record === 'reason' && each.code === 'COLUMN_COUNT');
    expect(reason).toMatchObject({
      rejected: '4',
      detail: 'lines 1169, 1170, 1171, 1172: the row has 5 columns, the header 12',
    });
    const refused = all.find((each) => each.record === 'file' && each.state === 'refused');
    expect(refused?.detail).toContain('The upload was probably cut off.');
  });

  it('adds up: what its file records say is what its first record says', async () => {
    const all = records((await renderReport(realisticRun())).csv);
    for (const column of ['read', 'delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held', 'open']) {
      const sum = (kind: string) =>
        all.filter((each) => each.record === kind).reduce((total, each) => total + Number(each[column]), 0);
      expect(sum('file')).toBe(sum('run'));
      expect(sum('event')).toBe(sum('run'));
    }
  });

  it.each([
    ['=HYPERLINK("http://x")', `'=HYPERLINK("http://x")`],
    ['+SUM(A1)', "'+SUM(A1)"],
    ['-2+3', "'-2+3"],
    ['@cmd', "'@cmd"],
    ['\tx', "'\tx"],
    ['\rx', "'\rx"],
    [' =1+1', "' =1+1"],
    ['＝1+1', "'＝1+1"],
    ['＋1+1', "'＋1+1"],
    ['－1+1', "'－1+1"],
    ['＠x', "'＠x"],
    ['-1250.00', '-1250.00'],
    ['+12125550143', '+12125550143'],
    ['-5', '-5'],
    ['plain', 'plain'],
    ['a=b', 'a=b'],
    ['', ''],
  ])('has no formula: %j becomes %j', (cell, safe) => {
    expect(harmless(cell)).toBe(safe);
  });

  it('X19: neutralises formulas wherever they come from', async () => {
    const name = '=cmd|calc!A0.csv';
    const file = fileAccount({ name, shares: [['rejected', 1, '@SUM(1)', '=1+1']] });
    const all = records((await renderReport(runAccount([file], { job: '+job()' }))).csv);
    expect(all[0]?.job).toBe("'+job()");
    expect(all[1]?.file).toBe(`'${name}`);
    expect(all.find((each) => each.record === 'reason')?.code).toBe("'@SUM(1)");
  });
});

describe('the report as JSON', () => {
  it('has the account whole, and the verdict', async () => {
    const run = realisticRun();
    const report = JSON.parse((await renderReport(run)).json);
    expect(report).toMatchObject(run);
    expect(report.format).toBe('referry-report/1');
    expect(report.verdict).toMatchObject({ balanced: true, headline: 'Balanced' });
  });
});

describe('the report as HTML', () => {
  it('says first that it balances, and what needs a person', async () => {
    const { html } = await renderReport(realisticRun());
    const body = html.slice(html.indexOf('<body>'));
    expect(body).toContain('<p class="word" id="verdict">Balanced</p>');
    expect(body).toContain('2 things need a person.');
    expect(body.indexOf('Balanced')).toBeLessThan(body.indexOf('<table'));
    expect(body).toContain('Extole answered with an event id for each delivered row');
    expect(body).toContain('2026-11-19 09:00:02 to 09:19:32 EST');
  });

  it('says in red that it does not balance, with both numbers', async () => {
    const { html } = await renderReport(uglyRun());
    expect(html).toContain('<section class="verdict fault"');
    expect(html).toContain('DOES NOT BALANCE: lost-one.csv: read 500, but outcomes + open = 499');
  });

  it('lets nothing from outside become markup', async () => {
    const { html } = await renderReport(uglyRun());
    expect(html).not.toContain('<script');
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<b>more');
    for (const acting of ['\u202e', '\u001b']) expect(html).not.toContain(acting);
    expect(html).toContain('&lt;script&gt;');
    expect(SCRIPT).toContain('<script');
  });

  it('lets no file name into the headline as markup', async () => {
    const file = fileAccount({ name: '<script>x</script>.csv', shares: [['delivered', 2, '', '']] });
    file.counts.read = 3;
    const { html } = await renderReport(runAccount([file]));
    expect(html).toContain('id="verdict">DOES NOT BALANCE: &lt;script&gt;x');
    expect(html).not.toContain('<script');
  });

  it('needs nothing from elsewhere and allows nothing to be fetched', async () => {
    const { html } = await renderReport(realisticRun());
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(html).not.toMatch(/\b(?:src|href)=|url\(|@import|https?:/);
  });

  it('shows values in reasons by their shape only', async () => {
    const { html, csv, json } = await renderReport(realisticRun());
    for (const text of [html, csv, json]) expect(text).not.toContain('jo doe@example.com');
  });

  it('of a day lists its runs', async () => {
    const day = rollUp([realisticRun()], '2026-11-20', 'America/New_York');
    const { html, csv } = await renderReport(day);
    expect(html).toContain('Day 2026-11-20 (America/New_York)');
    expect(html).toContain('<h2>Runs</h2>');
    expect(records(csv)[0]).toMatchObject({ record: 'day', read: '1376' });
  });

  it('of a run without files is calm', async () => {
    const { html } = await renderReport(runAccount([]));
    expect(html).toContain('<section class="verdict calm"');
    expect(html).toContain('No file arrived.');
  });
});

describe('the table for a terminal', () => {
  it('shows each file with its outcomes, the first reasons, and that it balances', () => {
    const text = renderFileTable(realisticRun());
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^ +read {2}delivered {2}duplicate {2}conflict {2}rejected {2}failed {2}held {2}open$/);
    expect(text).toMatch(/^account-openings-20261120\.csv {4}1,174 +1,117 +5 +7 +45 +0 +0 +0$/m);
    expect(text).toMatch(/^ +9 rejected EMAIL_INVALID +line 1131: email "xx xxx@xxxxxxx\.xxx"/m);
    expect(text).toContain('Balanced: 1,376 read = 1,175 delivered + 145 duplicate + 9 conflict + 47 rejected\n');
    expect(text).toContain('  needs you: 9 rows in conflict\n');
  });

  it.each([80, 100, 120])('fits %i columns, has no control characters and no trailing blanks', (width) => {
    for (const account of [realisticRun(), uglyRun()]) {
      for (const line of renderFileTable(account, { width }).split('\n')) {
        if (!line.startsWith('DOES NOT BALANCE') && !line.startsWith('Balanced'))
          expect([...line].length).toBeLessThanOrEqual(width);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal would obey
        expect(line).not.toMatch(/[\u0000-\u001f]| $/);
      }
    }
  });

  it('says so where it does not balance', () => {
    expect(renderFileTable(uglyRun())).toContain('DOES NOT BALANCE: lost-one.csv: read 500');
  });

  it('uses colours only when asked', () => {
    expect(renderFileTable(realisticRun())).not.toContain('\u001b');
    expect(renderFileTable(uglyRun(), { colour: true })).toContain('\u001b[31;1mDOES NOT BALANCE');
  });
});
