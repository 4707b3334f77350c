import { reportCsv } from './report-csv.ts';
import { reportHtml } from './report-html.ts';
import { reportJson } from './report-json.ts';
import type { ReportAccount } from './verdict.ts';

export interface RenderedReport {
  csv: string;
  json: string;
  html: string;
}

/** The reconciliation report of a run or of a day, in its three forms. */
export async function renderReport(account: ReportAccount): Promise<RenderedReport> {
  return { csv: await reportCsv(account), json: reportJson(account), html: reportHtml(account) };
}
