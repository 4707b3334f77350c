import type { ReportAccount } from './verdict.ts';
import { verdictOf } from './verdict.ts';

/** The account as it stands, with the verdict before it. Amounts are decimal strings, since numbers would round them. */
export function reportJson(account: ReportAccount): string {
  const { balanced, headline, imbalances, concerns } = verdictOf(account);
  return `${JSON.stringify({ format: 'referry-report/1', verdict: { balanced, headline, imbalances, concerns }, ...account }, null, 2)}\n`;
}
