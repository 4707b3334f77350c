import { isMembers } from '../mapping/compile.ts';
import type { Finding } from './check.ts';
import { listsOf, onlyOne, placeOfMembers } from './member-targets.ts';
import { remoteFindings } from './remote-findings.ts';
import type { SegmentsJob } from './schema.ts';

/** What can be wrong with the folders into which a job that keeps segments puts files. */
export function checkMemberFolders(job: SegmentsJob): Finding[] {
  const { extoleFiles, files } = job.target;
  if (files) return remoteFindings(job, ['target', 'files', 'to'], files.to);
  if (!extoleFiles) return [];
  const path = ['target', 'extoleFiles'];
  const findings = remoteFindings(job, [...path, 'sftp'], extoleFiles.sftp);
  for (const segment of Object.keys(job.segments)) {
    const audience = Object.hasOwn(extoleFiles.audiences, segment) ? extoleFiles.audiences[segment] : undefined;
    if (audience === undefined) {
      const message = `no audience is named for the segment ${segment}`;
      const hint = `write its id, as My Extole shows it: ${segment}: ...`;
      findings.push({ job, path: [...path, 'audiences'], message, hint, severity: 'error' });
    }
  }
  return findings;
}

/** Segments of one job that are one list at the target: what is confirmed is known of each by itself. */
export function checkSharedLists(job: SegmentsJob): Finding[] {
  const { target, segments } = job;
  if (onlyOne(target) !== undefined) return [];
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const [list, segment] of listsOf(target, segments)) {
    const other = seen.get(list);
    if (other === undefined) {
      seen.set(list, segment);
      continue;
    }
    const path = target.extoleFiles ? ['target', 'extoleFiles', 'audiences', segment] : ['segments', segment];
    const message = `the segments ${other} and ${segment} have the same ${target.extoleFiles ? 'audience' : 'name, and so the same list'}, in which each would undo the other`;
    findings.push({ job, path, message, hint: 'give each its own', severity: 'error' });
  }
  return findings;
}

/** Words for what two jobs keep both, and for what comes of it. */
interface KeptByBoth {
  what: string;
  harm: string;
}

/**
 * What two jobs keep both: a segment, or the one list that their segments are; `undefined` where it is nothing, and where both tell changes
 * of the same segment only, which do not undo each other.
 */
export function keptByBoth(a: SegmentsJob, b: SegmentsJob): KeptByBoth | undefined {
  const what = sameSegment(a, b);
  if (what !== undefined) return { what, harm: 'a snapshot of one job removes the members of the other' };
  const list = sharedList(a, b);
  return list === undefined ? undefined : { what: list, harm: 'each job removes members whom the other has added' };
}

/** The same list under two segments, or over two ways to it: neither knows what is confirmed of the other. */
function sharedList(a: SegmentsJob, b: SegmentsJob): string | undefined {
  const lists = new Map(listsOf(a.target, a.segments));
  const apart = placeOfMembers(a.target) !== placeOfMembers(b.target);
  return listsOf(b.target, b.segments).find(([list, segment]) => {
    const other = lists.get(list);
    return other !== undefined && (apart || other !== segment);
  })?.[0];
}

function sameSegment(a: SegmentsJob, b: SegmentsJob): string | undefined {
  if (placeOfMembers(a.target) !== placeOfMembers(b.target)) return undefined;
  if (![a, b].some(({ event }) => isMembers(event) && event.kind === 'snapshot')) return undefined;
  const one = onlyOne(a.target);
  if (one !== undefined || onlyOne(b.target) !== undefined) return one === onlyOne(b.target) ? one : undefined;
  const same = Object.keys(a.segments).find((segment) => Object.hasOwn(b.segments, segment));
  return same === undefined ? undefined : `the segment ${same} at ${placeOfMembers(a.target)}`;
}
