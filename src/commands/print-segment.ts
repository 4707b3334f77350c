import type { SegmentFindings } from '../pipelines/sync-segment/verify.ts';
import { groupCount } from '../reports/money.ts';
import { count, say } from './print.ts';

/** What verify-segment answers. */
export function printSegment(findings: SegmentFindings, json: boolean): void {
  if (json) {
    say(JSON.stringify(findings));
    return;
  }
  const { segment, confirmed, atTarget, missing, strangers, sample, repaired } = findings;
  say(`${segment}: ${count(confirmed, 'member')} confirmed, ${groupCount(atTarget)} at the target`);
  if (missing + strangers === 0) say('  they are the same');
  if (missing > 0) say(`  ${groupCount(missing)} missing at the target: ${listed(sample.missing, missing)}`);
  if (strangers > 0)
    say(`  ${groupCount(strangers)} at the target that are not confirmed: ${listed(sample.strangers, strangers)}`);
  if (!repaired) {
    if (missing + strangers > 0)
      say(`  to make the target say what was confirmed: referry verify-segment ${segment} --repair`);
    return;
  }
  const { added, removed, open, why } = repaired;
  say(`  repaired: ${groupCount(added)} added, ${groupCount(removed)} removed`);
  if (open > 0) say(`  ${groupCount(open)} without a clear yes${why === undefined ? '' : ` (${why})`}: run it again`);
}

function listed(masked: readonly string[], of: number): string {
  return `${masked.join(', ')}${of > masked.length ? ', ...' : ''}`;
}
