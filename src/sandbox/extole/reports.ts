import type { Io } from '../../model.ts';
import { isObject } from '../json.ts';
import { errorReply, type Reply } from './errors.ts';
import { ok } from './paging.ts';

/** A row of a report: column to value. */
export type ReportRow = Readonly<Record<string, string>>;

export interface ReportBehaviour {
  /** Report types that the account has. */
  types: readonly string[];
  /** How long a report is pending, and then in progress. */
  pendingMs: number;
  runMs: number;
  /** How it ends. */
  ends: 'DONE' | 'FAILED' | 'CANCELED' | 'EXPIRED';
  /** How it is shown: as the guide prints it, misspelt names and all, or as the specification, which has no status. */
  shown: 'guide' | 'specification';
  /** Rows that the download lacks, though they are counted. */
  lose: number;
  /** Whether each page of a CSV has the header. */
  headerOnEachPage: boolean;
  /** Parameters without which the type cannot run. */
  needs: readonly string[];
}

export const REPORT_DEFAULTS: ReportBehaviour = {
  types: ['CONFIGURABLE_EVENTS', 'CONFIGURABLE_INPUT_RECORDS', 'SHAREABLES'],
  pendingMs: 0,
  runMs: 0,
  ends: 'DONE',
  shown: 'guide',
  lose: 0,
  headerOnEachPage: true,
  needs: [],
};

interface Report {
  id: string;
  type: string;
  displayName: string;
  formats: readonly string[];
  tags: readonly string[];
  parameters: Readonly<Record<string, string>>;
  startedAt: number;
  rows: readonly ReportRow[];
}

export interface Reports {
  create(body: unknown): { reply: Reply; id: string };
  list(query: URLSearchParams): Reply;
  get(id: string): Reply;
  info(id: string): Reply;
  /** `action`: `download`, or with a format, `download.csv`. */
  download(id: string, action: string, query: URLSearchParams): Reply;
  readonly count: number;
}

const FORMATS = ['CSV', 'PSV', 'JSON', 'JSONL', 'XLSX', 'HEADLESS_CSV', 'HEADLESS_PSV'];
/** All of them are required, says the specification; most may be null. */
const FIELDS: Readonly<Record<string, 'text' | 'nullable'>> = {
  display_name: 'nullable',
  format: 'nullable',
  formats: 'nullable',
  name: 'text',
  parameters: 'text',
  report_type: 'text',
  rerun: 'nullable',
  scopes: 'nullable',
  sftp_report_name: 'nullable',
  sftp_server_id: 'nullable',
  tags: 'nullable',
};

/** `rowsOf`: what a report of these parameters would hold now. */
export function createReports(
  io: Io,
  behaviour: ReportBehaviour,
  rowsOf: (columns: readonly string[] | undefined) => ReportRow[],
): Reports {
  const reports = new Map<string, Report>();

  function create(body: unknown): Report | Reply {
    if (!isObject(body)) return errorReply('binding_error', { reason: 'the body is not an object' });
    for (const field in body) {
      if (!(field in FIELDS)) return errorReply('binding_error', { reason: `unknown field ${field}` });
    }
    for (const [field, kind] of Object.entries(FIELDS)) {
      const value = body[field];
      if (value === undefined || (value === null && kind === 'text'))
        return errorReply(field === 'report_type' ? 'report_type_missing' : 'binding_error', {
          reason: `${field} is missing`,
        });
    }
    const { report_type: type, parameters, formats, display_name: displayName, tags } = body;
    if (typeof type !== 'string' || !behaviour.types.includes(type)) return errorReply('report_type_not_found');
    if (displayName === '') return errorReply('report_display_name_empty');
    const asked = Array.isArray(formats) ? formats.filter((one) => typeof one === 'string') : ['CSV'];
    if (asked.length === 0 || asked.some((one) => !FORMATS.includes(one))) return errorReply('report_invalid_formats');
    const texts = isObject(parameters) ? Object.entries(parameters) : undefined;
    if (!texts?.every((entry): entry is [string, string] => typeof entry[1] === 'string'))
      return errorReply('binding_error', { reason: 'parameters are not texts' });
    const given = Object.fromEntries(texts);
    if (behaviour.needs.some((name) => given[name] === undefined)) return errorReply('report_missing_parameters');
    const id = `74654${String(reports.size + 1).padStart(14, '0')}`;
    const report: Report = {
      id,
      type,
      displayName: typeof displayName === 'string' ? displayName : type,
      formats: asked,
      tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [],
      parameters: given,
      startedAt: io.monotonic(),
      rows: rowsOf(columnsOf(given.mappings)),
    };
    reports.set(id, report);
    return report;
  }

  function statusOf({ startedAt }: Report): string {
    const age = io.monotonic() - startedAt;
    if (age < behaviour.pendingMs) return 'PENDING';
    return age < behaviour.pendingMs + behaviour.runMs ? 'IN_PROGRESS' : behaviour.ends;
  }

  function bodyOf(report: Report): object {
    const status = statusOf(report);
    const done = status === 'DONE';
    const date = done ? '2026-11-20T14:03:00Z' : null;
    const uri = done ? `https://api.extole.io/v4/reports/${report.id}/download` : null;
    const base = {
      report_id: report.id,
      report_type: report.type,
      name: report.type,
      display_name: report.displayName,
      formats: report.formats,
      tags: report.tags,
    };
    if (behaviour.shown === 'specification') return { ...base, completed_date: date, download_uri: uri };
    return { ...base, status, completed_Date: date, dounload_url: uri };
  }

  function finished(id: string): Report | Reply {
    const report = reports.get(id);
    if (!report) return errorReply('report_not_found');
    return statusOf(report) === 'DONE' ? report : errorReply('report_content_not_found');
  }

  return {
    get count() {
      return reports.size;
    },
    create(body) {
      const made = create(body);
      return 'status' in made ? { reply: made, id: '' } : { reply: ok(bodyOf(made)), id: made.id };
    },
    list(query) {
      const tags = (query.get('having_any_tags') ?? '').split(',').filter((tag) => tag !== '');
      const found = [...reports.values()].filter(
        (one) => tags.length === 0 || tags.some((tag) => one.tags.includes(tag)),
      );
      return ok(found.reverse().map(bodyOf));
    },
    get(id) {
      const report = reports.get(id);
      return report ? ok(bodyOf(report)) : errorReply('report_not_found');
    },
    info(id) {
      const report = finished(id);
      return 'status' in report ? report : ok({ total_rows: report.rows.length });
    },
    download(id, action, query) {
      const report = finished(id);
      if ('status' in report) return report;
      const format = action === 'download' ? (report.formats[0] ?? '') : action.slice('download.'.length).toUpperCase();
      if (!report.formats.includes(format)) return errorReply('report_content_format_not_found');
      const limit = numberOf(query.get('limit'));
      const offset = numberOf(query.get('offset')) ?? 0;
      if (limit === null) return errorReply('invalid_limit');
      if (limit !== undefined && limit > 1000) return errorReply('max_fetch_size_1000');
      const kept = report.rows.slice(0, report.rows.length - behaviour.lose);
      const rows = limit === undefined ? kept : kept.slice(offset ?? 0, (offset ?? 0) + limit);
      const columns = Object.keys(report.rows[0] ?? {});
      if (format === 'JSONL') {
        const body = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
        return { status: 200, body, type: 'application/x-ndjson' };
      }
      if (format !== 'CSV') return errorReply('report_content_format_not_found');
      const header = offset === 0 || behaviour.headerOnEachPage ? [columns] : [];
      const lines = [...header, ...rows.map((row) => columns.map((name) => row[name] ?? ''))];
      return { status: 200, body: lines.map((line) => `${line.map(cell).join(',')}\n`).join(''), type: 'text/csv' };
    },
  };
}

/** Extole's rule: quoted where it holds a comma or a character below it, or is longer than 24. */
function cell(text: string): string {
  return /[ -,"]/.test(text) || text.length > 24 ? `"${text.replaceAll('"', '""')}"` : text;
}

/** `Email=person.email;Code=shareable.code;` names the columns. */
function columnsOf(mappings: string | undefined): string[] | undefined {
  if (mappings === undefined) return undefined;
  return mappings.split(';').flatMap((part) => (part.includes('=') ? [part.slice(0, part.indexOf('=')).trim()] : []));
}

/** `undefined` where there is none, `null` where it is no number. */
function numberOf(text: string | null): number | undefined | null {
  if (text === null) return undefined;
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}
