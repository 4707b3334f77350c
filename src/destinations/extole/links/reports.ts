import { type Io, TransferError } from '../../../model.ts';
import { DEFAULT_TIMEOUTS } from '../api.ts';
import { exactObject, type JsonObject, jsonObjects } from '../reply-json.ts';
import { type Attempt, createCalls } from './calls.ts';
import { badAnswer, type Said } from './classify.ts';
import type { LinksOptions } from './links.ts';
import { columnNamed, type LinkRow, linkRowOf, type ReportPage, readPage } from './report-rows.ts';
import type { ReportSettings } from './report-settings.ts';
import type { LinksSettings } from './settings.ts';
import { sameLabel } from './shareables.ts';

/** Links of one page of a report. */
export interface LinkPage {
  rows: readonly LinkRow[];
  /** Records without a code. */
  withoutCode: number;
  /** Records of links with another label, where the report has labels. */
  otherLabel: number;
}

/** Reports of Extole, from which links are collected that it made by itself. Every call throws `TransferError`, or the signal's reason. */
export interface LinkReports {
  /**
   * The id of the report with this name, which is asked for where there is none yet: doing it twice gives the same one. Letters, digits,
   * dots, dashes, underscores; one for each look at the links.
   */
  start(name: string, signal: AbortSignal): Promise<string>;
  /** Waits until the report is there, and gives its number of rows. `REPORT_FAILED` where it came to nothing: start one by another name. */
  finished(id: string, signal: AbortSignal): Promise<number>;
  /**
   * Its links, page by page. `REPORT_INCOMPLETE` where a page lacks rows; what came before it is right all the same, and a second
   * reading gives it again.
   */
  pages(id: string, total: number, signal: AbortSignal): AsyncIterable<LinkPage>;
  /** Whether reports can be asked for at all; asks for none. */
  probe(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export function createLinkReports(
  settings: LinksSettings & { report: ReportSettings },
  io: Io,
  options: LinksOptions = {},
): LinkReports {
  const { report, paths } = settings;
  const { timeouts = DEFAULT_TIMEOUTS, refreshToken } = options;
  const calls = createCalls(settings, { timeouts, refreshToken, maxBodyBytes: report.maxBytes }, io);
  const pathTo = (id: string, what: string): string => `${paths.reports}/${encodeURIComponent(id)}${what}`;

  /** A report of this name that has not failed. */
  async function find(attempt: Attempt, name: string): Promise<string | undefined> {
    const query = { having_any_tags: name, limit: '100' };
    const said = await attempt.get(paths.reports, query, (body) => jsonObjects(body), 'a list of reports');
    if (said.kind !== 'read') throw problem(said, `looking for the report ${name}`);
    const found = said.value.map(readReport).find((one) => one.tags.includes(name) && one.state !== 'failed');
    return found?.id === '' ? undefined : found?.id;
  }

  async function start(name: string, signal: AbortSignal): Promise<string> {
    if (!/^[\w.-]{1,100}$/.test(name)) throw new TransferError('REPORT_FAILED', `${name} is no name for a report`);
    const attempt = calls.begin(signal);
    for (;;) {
      const known = await find(attempt, name);
      if (known !== undefined) return known;
      const said = await attempt.post(paths.reports, bodyOf(report, name));
      const id = said.kind === 'ok' ? readReport(exactObject(said.body) ?? {}).id : '';
      if (id !== '') return id;
      const trouble = said.kind === 'ok' ? badAnswer('names no report') : said;
      const doubtful = trouble.kind === 'unknown' || (trouble.kind === 'halted' && trouble.doubtful === true);
      if (!doubtful || !(await attempt.pause())) throw problem(trouble, `asking for the report ${report.type}`);
    }
  }

  async function finished(id: string, signal: AbortSignal): Promise<number> {
    const until = io.monotonic() + report.timeout;
    for (;;) {
      // Patience is for one look, not for all the while that a report takes.
      const attempt = calls.begin(signal);
      const said = await attempt.get(pathTo(id, ''), {}, (body) => exactObject(body), 'a report');
      if (said.kind !== 'read') throw problem(said, `looking at the report ${id}`);
      const { state, status } = readReport(said.value);
      if (state === 'failed') {
        throw new TransferError('REPORT_FAILED', `the report ${id} (${report.type}) ended as ${status}`, {
          retryable: true,
          hint: 'run it in My Extole to see why; check report.type and report.parameters',
        });
      }
      if (state === 'done') break;
      const now = io.monotonic();
      if (now >= until) {
        const message = `the report ${id} (${report.type}) is not done yet: ${status || 'no status'}`;
        throw new TransferError('REPORT_NOT_DONE', message, {
          retryable: true,
          hint: 'the next run looks again; raise report.timeout where it always takes longer',
        });
      }
      await io.sleep(Math.max(1, Math.min(report.poll, until - now)), signal);
    }
    const said = await calls.begin(signal).get(pathTo(id, '/info'), {}, (body) => totalOf(body), 'a number of rows');
    if (said.kind !== 'read') throw problem(said, `asking how many rows the report ${id} has`);
    return said.value.rows;
  }

  async function download(attempt: Attempt, id: string, query: Readonly<Record<string, string>>): Promise<string> {
    const path = pathTo(id, `/download.${report.format}`);
    const said = await attempt.get(path, query, (body) => ({ text: body }), 'a file');
    if (said.kind !== 'read') throw problem(said, `downloading the report ${id}`);
    return said.value.text;
  }

  async function* pages(id: string, total: number, signal: AbortSignal): AsyncIterable<LinkPage> {
    const step = report.pageRows === 0 ? total : report.pageRows;
    let columns: readonly string[] | undefined;
    for (let offset = 0; offset < total; offset += step) {
      const query = report.pageRows === 0 ? {} : { limit: String(step), offset: String(offset) };
      const text = await download(calls.begin(signal), id, query);
      const page = readPage(text, report.format, columns);
      if (!page) throw unreadable(id, `it is no ${report.format}, or its rows are not alike`);
      columns ??= checked(page, id, report);
      const expected = Math.min(step, total - offset);
      if (page.records.length !== expected) throw incomplete(id, offset, page.records.length, expected, total);
      yield pageOf(page, settings);
    }
  }

  async function probe(signal: AbortSignal): Promise<void> {
    const said = await calls
      .begin(signal)
      .get(paths.reports, { limit: '1' }, (body) => jsonObjects(body), 'a list of reports');
    if (said.kind !== 'read') throw problem(said, 'looking at the list of reports');
  }

  return { start, finished, pages, probe, close: () => calls.close() };
}

/** Every field that Extole's specification lists; its guide sends only some of them. */
function bodyOf(report: ReportSettings, name: string): object {
  return {
    name: report.type,
    report_type: report.type,
    display_name: name,
    format: null,
    formats: [report.format.toUpperCase()],
    parameters: report.parameters,
    rerun: true,
    tags: [name],
    scopes: null,
    sftp_report_name: null,
    sftp_server_id: null,
  };
}

interface SeenReport {
  id: string;
  tags: readonly string[];
  state: 'running' | 'done' | 'failed';
  /** As Extole says it. */
  status: string;
}

const ENDED_BADLY: ReadonlySet<string> = new Set([
  'failed',
  'canceled',
  'cancelled',
  'expired',
  'sftp_delivery_failed',
]);
/** As the guide misspells them, and as they may be spelt once somebody has noticed. */
const DONE_BY: ReadonlySet<string> = new Set([
  'completed_date',
  'download_uri',
  'download_url',
  'dounload_uri',
  'dounload_url',
]);

/** Extole's specification has no status, its guide has one, with other names misspelt. */
function readReport(object: JsonObject): SeenReport {
  const fields = new Map(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
  const status = textOf(fields.get('status'));
  const tags = fields.get('tags');
  const known = {
    id: textOf(fields.get('report_id')) || textOf(fields.get('id')),
    tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
    status: status.replace(/\W/g, '').slice(0, 40),
  };
  const lower = status.toLowerCase();
  if (ENDED_BADLY.has(lower)) return { ...known, state: 'failed' };
  const ready = [...DONE_BY].some((name) => textOf(fields.get(name)) !== '');
  return { ...known, state: lower === 'done' || (status === '' && ready) ? 'done' : 'running' };
}

function totalOf(body: string): { rows: number } | undefined {
  const total = exactObject(body)?.total_rows;
  const text = typeof total === 'string' ? total : '';
  return /^\d{1,12}$/.test(text) ? { rows: Number(text) } : undefined;
}

/** The report's columns, once it is known that what is needed is among them. */
function checked(page: ReportPage, id: string, { columns }: ReportSettings): readonly string[] {
  const has = (name: string): boolean => columnNamed(page.columns, name) !== undefined;
  const who = [columns.email, columns.partnerUserId, columns.personId];
  const found = `found: ${page.columns.slice(0, 40).join(', ')}`;
  if (!has(columns.code)) throw unreadable(id, `it has no column ${columns.code}; ${found}`);
  if (!who.some(has)) throw unreadable(id, `it has none of the columns ${who.join(', ')}; ${found}`);
  return page.columns;
}

function pageOf(page: ReportPage, { report, label }: LinksSettings & { report: ReportSettings }): LinkPage {
  const rows: LinkRow[] = [];
  let withoutCode = 0;
  let otherLabel = 0;
  for (const record of page.records) {
    const row = linkRowOf(page, record, report);
    if (row === undefined) withoutCode += 1;
    else if (row.label !== undefined && !sameLabel(row.label, label)) otherLabel += 1;
    else rows.push(row);
  }
  return { rows, withoutCode, otherLabel };
}

function unreadable(id: string, why: string): TransferError {
  return new TransferError('REPORT_UNREADABLE', `the report ${id} cannot be read: ${why}`, {
    hint: 'check report.columns, report.format and the mappings in report.parameters',
  });
}

function incomplete(id: string, offset: number, found: number, expected: number, total: number): TransferError {
  const message = `the report ${id} counts ${total} rows; from row ${offset + 1} on, ${expected} should have come and ${found} did`;
  return new TransferError('REPORT_INCOMPLETE', message, {
    retryable: true,
    hint: 'the next run reads it again; where it stays so, try report.pageRows: 0, which downloads it in one piece',
  });
}

function problem(said: Exclude<Said, { kind: 'ok' }>, doing: string): TransferError {
  const retryable = said.kind === 'retryable' || said.kind === 'unknown';
  return new TransferError(said.code, `${doing}: ${said.reason}`, {
    retryable,
    ...(said.kind === 'refused' ? { hint: 'check report.type and report.parameters' } : {}),
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
