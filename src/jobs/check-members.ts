import { isMembers } from '../mapping/compile.ts';
import type { Finding } from './check.ts';
import { onlyOne, placeOfMembers } from './member-targets.ts';
import { remoteFindings } from './remote-findings.ts';
import type { SegmentsJob } from './schema.ts';

/** What can be wrong with the folders into which a job that keeps segments puts files. */
export function checkMemberFolders(job: SegmentsJob): Finding[] {
  const { extoleFiles, files } = job.target;
  if (files) return remoteFindings(job, ['target', 'files', 'to'], files.to);
  if (!extoleFiles) return [];
  const path = ['target', 'extoleFiles'];
  const findings = remoteFindings(job, [...path, 'sftp'], extoleFiles.sftp);
  const seen = new Map<string, string>();
  for (const segment of Object.keys(job.segments)) {
    const audience = Object.hasOwn(extoleFiles.audiences, segment) ? extoleFiles.audiences[segment] : undefined;
    if (audience === undefined) {
      const message = `no audience is named for the segment ${segment}`;
      const hint = `write its id, as My Extole shows it: ${segment}: ...`;
      findings.push({ job, path: [...path, 'audiences'], message, hint, severity: 'error' });
      continue;
    }
    const other = seen.get(audience);
    if (other !== undefined) {
      const message = `the segments ${other} and ${segment} have the same audience, in which each would undo the other`;
      findings.push({ job, path: [...path, 'audiences', segment], message, severity: 'error' });
    }
    seen.set(audience, segment);
  }
  return findings;
}

/**
 * What two jobs keep both, in words: a segment, or the one list that all of their segments are; `undefined` where it is nothing, and where
 * both tell changes only, which do not undo each other.
 */
export function keptByBoth(a: SegmentsJob, b: SegmentsJob): string | undefined {
  if (placeOfMembers(a.target) !== placeOfMembers(b.target)) return undefined;
  if (![a, b].some(({ event }) => isMembers(event) && event.kind === 'snapshot')) return undefined;
  const one = onlyOne(a.target);
  if (one !== undefined || onlyOne(b.target) !== undefined) return one === onlyOne(b.target) ? one : undefined;
  const same = Object.keys(a.segments).find((segment) => Object.hasOwn(b.segments, segment));
  return same === undefined ? undefined : `the segment ${same} at ${placeOfMembers(a.target)}`;
}
