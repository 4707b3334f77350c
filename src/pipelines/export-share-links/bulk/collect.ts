import { createLinkReports, type LinkPage, type LinkReports } from '../../../destinations/extole/links/reports.ts';
import type { LinksJob } from '../../../jobs/schema.ts';
import {
  endLinkReport,
  type LinkReport,
  type LinkReportCounts,
  linkReportsOf,
  nameLinkReport,
  planLinkReport,
} from '../../../ledger/link-reports.ts';
import { type LinkBook, type LinkPlace, openLinkBook, type TellLink } from '../../../ledger/links.ts';
import { TransferError } from '../../../model.ts';
import type { CarrierContext } from '../../files/by-file/carrier.ts';

/** What is known of the reports of a job after a look. */
export interface Collected {
  /** When the newest report whose links are in the ledger was asked for, in milliseconds since 1970; 0: there is none. */
  readUntil: number;
  /** One was asked for and is not there yet. */
  waiting: boolean;
  /** What went wrong with the newest one, for people. */
  trouble?: string;
}

/** When reports are asked for: not before `from`, and `every` apart, in milliseconds. */
export interface Pace {
  from: number;
  every: number;
}

/** More than are asked for within `every` and while one is waited for. */
const RECENT = 20;

/**
 * Looks once at the report of links that is waited for, or asks for one where it is time. What it says of people who have no link yet
 * goes to the ledger; whoever has one keeps it, since a report does not tell which of two is newer. Throws `TransferError` where Extole
 * cannot be asked at all.
 */
export async function collectLinks(
  ctx: CarrierContext,
  job: LinksJob,
  place: LinkPlace,
  { from, every }: Pace,
): Promise<Collected> {
  const { ledger, io } = ctx;
  const { report } = job.links;
  if (!report) return { readUntil: 0, waiting: false };
  const recent = linkReportsOf(ledger, { job: job.id, label: place.label }, RECENT);
  const readUntil = recent.find(({ state }) => state === 'read')?.askedAt ?? 0;
  const [newest] = recent;
  const now = io.now();
  const isDue = now >= from && (newest === undefined || Math.max(newest.askedAt, readUntil) + every <= now);
  const open = newest?.state === 'asked' ? newest : isDue ? plan(ctx, job, place.label) : undefined;
  if (!open) return { readUntil, waiting: false };
  // A look does not wait: what is not there yet is looked for again by the next one.
  const settings = { ...job.links, label: place.label, report: { ...report, timeout: 0 } };
  const { concurrency, timeout } = job.delivery;
  const options = { timeouts: { concurrency, timeout }, refreshToken: ctx.refreshToken };
  const reports = createLinkReports(settings, io, options);
  try {
    const counts = await read(ctx, reports, open, openLinkBook(ledger, place));
    endLinkReport(ledger, open.id, { state: 'read', counts }, io.now());
    io.log.info({ job: job.id, report: open.name, ...counts }, 'links were collected');
    return { readUntil: open.askedAt, waiting: false };
  } catch (error) {
    if (!(error instanceof TransferError) || ctx.signal.aborted) throw error;
    return { readUntil, ...after(ctx, job, open, error) };
  } finally {
    await reports.close();
  }
}

/** Extole finds a report by its name, so that it is not asked for twice. */
function plan({ ledger, io }: CarrierContext, job: LinksJob, label: string): LinkReport {
  const now = io.now();
  const stamp = new Date(now).toISOString().replace(/\D/g, '').slice(0, 14);
  return planLinkReport(ledger, { job: job.id, label }, (id) => `referry-links-${ledger.id}-${id}-${stamp}`, now);
}

async function read(
  ctx: CarrierContext,
  reports: LinkReports,
  report: LinkReport,
  book: LinkBook,
): Promise<LinkReportCounts> {
  const { ledger, signal } = ctx;
  const id = report.reportId || (await reports.start(report.name, signal));
  if (report.reportId === '') nameLinkReport(ledger, report.id, id);
  const total = await reports.finished(id, signal);
  const counts: LinkReportCounts = {
    rows: 0,
    fresh: 0,
    known: 0,
    other: 0,
    otherLabel: 0,
    withoutCode: 0,
    withoutLink: 0,
    withoutPerson: 0,
  };
  for await (const page of reports.pages(id, total, signal)) record(ctx, report, book, page, counts);
  return counts;
}

function record(
  { io }: CarrierContext,
  { askedAt: asOf }: LinkReport,
  book: LinkBook,
  { rows, withoutCode, otherLabel }: LinkPage,
  counts: LinkReportCounts,
): void {
  counts.rows += rows.length + withoutCode + otherLabel;
  counts.withoutCode += withoutCode;
  counts.otherLabel += otherLabel;
  const told: TellLink[] = [];
  for (const { email, partnerUserId, personId, link, code, key } of rows) {
    const known = book.find({ email, partnerUserId });
    if (link === undefined) counts.withoutLink++;
    else if (known && known.link !== link) counts.other++;
    else told.push({ email, partnerUserId, personId, link, code, key, cameBy: 'report', asOf });
  }
  for (const end of book.record(told, io.now())) {
    if (end === 'new') counts.fresh++;
    else if (end === 'unidentified') counts.withoutPerson++;
    else counts.known++;
  }
}

/** What becomes of a report that could not be read: the next look goes on with it, or the next report takes its place. */
function after(
  ctx: CarrierContext,
  job: LinksJob,
  report: LinkReport,
  error: TransferError,
): Omit<Collected, 'readUntil'> {
  const { ledger, io } = ctx;
  const { code, message, hint, retryable } = error;
  const { timeout = 0 } = job.links.report ?? {};
  const age = io.now() - report.askedAt;
  if (code === 'REPORT_NOT_DONE' && age < timeout) return { waiting: true };
  const trouble = hint === undefined ? `${message} (${code})` : `${message} (${code}); ${hint}`;
  io.log.warn({ job: job.id, report: report.name, code }, message);
  const isOver = code.startsWith('REPORT_') || code === code.toLowerCase();
  // What passes by itself is waited for as long as a report is.
  if (!isOver && retryable && age < timeout) return { waiting: true, trouble };
  if (!isOver && !retryable) throw error;
  endLinkReport(ledger, report.id, { state: 'failed' }, io.now());
  return { waiting: false, trouble };
}
