import { afterEach, describe, expect, test } from 'vitest';
import type { LinkRow } from '../../src/destinations/extole/links/report-rows.ts';
import { reportSettings } from '../../src/destinations/extole/links/report-settings.ts';
import { createLinkReports, type LinkReports } from '../../src/destinations/extole/links/reports.ts';
import { TransferError } from '../../src/model.ts';
import type { ReportBehaviour } from '../../src/sandbox/extole/reports.ts';
import type { ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { closeLinks, io, linkSettings, linkStandIn } from './extole-links-setup.ts';

const opened: LinkReports[] = [];

afterEach(async () => {
  for (const reports of opened.splice(0)) await reports.close();
  await closeLinks();
});

const never = new AbortController().signal;
const LABEL = 'refer-a-friend';

async function withLinks(count: number, reports: Partial<ReportBehaviour> = {}): Promise<ExtoleStandIn> {
  const server = await linkStandIn({ reports });
  for (let n = 0; n < count; n += 1) {
    const personId = server.links.addPerson({ email: `p${n}@example.com`, keys: { partner_user_id: `00${n}` } });
    server.links.putShareable({ personId, label: LABEL, code: `code-${n}` });
  }
  return server;
}

function open(server: ExtoleStandIn, input: object = {}): LinkReports {
  const report = { type: 'SHAREABLES', poll: '10ms', timeout: '5s', pageRows: 100, ...input };
  const settings = { ...linkSettings(server), report: reportSettings.parse(report) };
  const reports = createLinkReports(settings, io);
  opened.push(reports);
  return reports;
}

async function collect(reports: LinkReports, name = 'links-1'): Promise<LinkRow[]> {
  const id = await reports.start(name, never);
  const total = await reports.finished(id, never);
  const rows: LinkRow[] = [];
  for await (const page of reports.pages(id, total, never)) rows.push(...page.rows);
  return rows;
}

async function failure(work: Promise<unknown>): Promise<TransferError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof TransferError) return error;
  throw new Error(`no TransferError, but ${String(error)}`);
}

describe('links are collected from a report', () => {
  test.each([
    ['guide', 'csv', 100, true],
    ['guide', 'csv', 100, false],
    ['specification', 'csv', 0, true],
    ['specification', 'jsonl', 100, true],
  ] as const)('shown as in the %s, as %s, %i rows a page', async (shown, format, pageRows, headerOnEachPage) => {
    const server = await withLinks(250, { shown, pendingMs: 20, runMs: 20, headerOnEachPage });
    const rows = await collect(open(server, { format, pageRows, linkPrefix: 'https://share.acme.example/' }));
    expect(rows).toHaveLength(250);
    expect(rows[7]).toEqual({
      code: 'code-7',
      link: 'https://share.acme.example/code-7',
      email: 'p7@example.com',
      partnerUserId: '007',
      personId: server.links.shareables[7]?.personId,
      label: LABEL,
    });
    expect(new Set(rows.map(({ code }) => code)).size).toBe(250);
  });

  test('links of another label, and records without a code, are counted and left out', async () => {
    const server = await withLinks(2);
    const personId = server.links.addPerson({ email: 'other@example.com' });
    server.links.putShareable({ personId, label: 'other', code: 'other' });
    server.links.putShareable({ personId, label: LABEL, code: '' });
    const reports = open(server);
    const id = await reports.start('links-1', never);
    const pages = await Array.fromAsync(reports.pages(id, await reports.finished(id, never), never));
    expect(pages).toMatchObject([{ withoutCode: 1, otherLabel: 1 }]);
    expect(pages[0]?.rows).toHaveLength(2);
  });

  test('with the columns that the mappings make, whatever their case', async () => {
    const server = await withLinks(1);
    const parameters = { mappings: 'Email=person.email;Code=shareable.code;', time_range: 'LAST_MONTH' };
    expect(await collect(open(server, { parameters }))).toEqual([{ code: 'code-0', email: 'p0@example.com' }]);
    expect(server.received.find(({ method }) => method === 'POST')?.body).toMatchObject({
      report_type: 'SHAREABLES',
      parameters,
      formats: ['CSV'],
    });
  });

  test('none are none', async () => {
    expect(await collect(open(await withLinks(0)))).toEqual([]);
  });
});

describe('a report is asked for once', () => {
  test.each(['resetpost', 'resetpre', '500post', '500pre', 'badjson-post', 'empty-object', '202'] as const)(
    'also where the answer is %s',
    async (fault) => {
      const server = await withLinks(3);
      server.links.fail(fault);
      expect(await collect(open(server))).toHaveLength(3);
      expect(server.links.reportsMade).toBe(1);
    },
  );

  test('by its name, also after a restart; another name is another report', async () => {
    const server = await withLinks(3);
    const id = await open(server).start('links-1', never);
    expect(await open(server).start('links-1', never)).toBe(id);
    expect(await open(server).start('links-2', never)).not.toBe(id);
    expect(server.links.reportsMade).toBe(2);
  });

  test('and looked at until it is done, whatever comes in between', async () => {
    const server = await withLinks(3, { runMs: 100 });
    server.links.failLooks('500pre', 'badjson-pre', '429', 'resetpre', 'html-pre');
    expect(await collect(open(server))).toHaveLength(3);
  });
});

describe('a report that is not whole is told of', () => {
  test('rows that are missing: with what was found and what was counted', async () => {
    const server = await withLinks(150, { lose: 1 });
    const error = await failure(collect(open(server)));
    expect(error).toMatchObject({ code: 'REPORT_INCOMPLETE', retryable: true });
    expect(error.message).toContain('counts 150 rows; from row 101 on, 50 should have come and 49 did');
  });

  test.each(['FAILED', 'CANCELED', 'EXPIRED'] as const)(
    'ended as %s, and another one is made the next time',
    async (ends) => {
      const server = await withLinks(1, { ends });
      expect(await failure(collect(open(server)))).toMatchObject({ code: 'REPORT_FAILED' });
      server.links.reports.ends = 'DONE';
      expect(await collect(open(server), 'links-2')).toHaveLength(1);
    },
  );

  test('not done in time', async () => {
    const server = await withLinks(1, { runMs: 60_000 });
    const error = await failure(collect(open(server, { timeout: '50ms' })));
    expect(error).toMatchObject({ code: 'REPORT_NOT_DONE', retryable: true });
    expect(error.message).toContain('IN_PROGRESS');
  });

  test('without the column of the code: the columns that there are', async () => {
    const server = await withLinks(1);
    const error = await failure(collect(open(server, { columns: { code: 'shareable_code' } })));
    expect(error).toMatchObject({ code: 'REPORT_UNREADABLE', retryable: false });
    expect(error.message).toContain('no column shareable_code; found: person_id, email');
  });

  test.each([
    [{ type: 'NO_SUCH' }, 'report_type_not_found'],
    [{ format: 'csv', parameters: {} }, 'report_missing_parameters'],
  ])('refused: %o', async (input, code) => {
    const server = await withLinks(1, { needs: ['time_range'] });
    expect(await failure(collect(open(server, input)))).toMatchObject({ code, retryable: false });
  });
});
