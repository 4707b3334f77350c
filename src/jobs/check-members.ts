import { remoteProblems } from '../remotes/settings.ts';
import type { Finding } from './check.ts';
import type { SegmentsJob } from './schema.ts';

/** What can be wrong with the folders into which a job that keeps segments puts files. */
export function checkMemberFolders(job: SegmentsJob): Finding[] {
  const { extoleFiles, files } = job.target;
  if (files)
    return remoteProblems(files.to).map(({ field, message }) => ({
      job,
      path: ['target', 'files', 'to', field],
      message,
      severity: field === 'hostKey' ? 'warning' : 'error',
    }));
  if (!extoleFiles) return [];
  const path = ['target', 'extoleFiles'];
  const findings: Finding[] = remoteProblems(extoleFiles.sftp).map(({ field, message }) => ({
    job,
    path: [...path, 'sftp', field],
    message,
    severity: field === 'hostKey' ? 'warning' : 'error',
  }));
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
