import type { SegmentFindings } from '../pipelines/sync-segment/verify.ts';
import { count, say } from './print.ts';

/** What verify-segment answers. */
export function printSegment(findings: SegmentFindings, json: boolean): void {
  if (json) {
    say(JSON.stringify(findings));
    return;
  }
  const { segment, confirmed, there, missing, surplus, sample, repaired, rejected = 0 } = findings;
  say(`${segment}: ${count(confirmed, 'member')} confirmed, ${grouped(there)} at the target`);
  if (missing + surplus === 0) say('  they are the same');
  if (missing > 0) say(`  ${grouped(missing)} missing at the target: ${listed(sample.missing, missing)}`);
  if (surplus > 0)
    say(`  ${grouped(surplus)} at the target that are not confirmed: ${listed(sample.surplus, surplus)}`);
  if (repaired === 'done')
    say(`  repaired${rejected === 0 ? '' : `, but for ${grouped(rejected)} whom the target refused`}`);
  if (repaired === 'open') say('  not all of it has an answer yet: the next run of the job sends it again');
  if (repaired === undefined && missing + surplus > 0)
    say(`  to make the target say what was confirmed: referry verify-segment ${segment} --repair`);
}

const grouped = (n: number): string => n.toLocaleString('en-US');

function listed(masked: readonly string[], of: number): string {
  return `${masked.join(', ')}${of > masked.length ? ', ...' : ''}`;
}
