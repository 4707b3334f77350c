import type { Finding } from './check.ts';
import { nameOfExport } from './export-targets.ts';
import { placeOfUrl } from './places.ts';
import { remoteFindings } from './remote-findings.ts';
import type { Job, LinksJob } from './schema.ts';

/** Whether a job takes files out of its inbox; what others make of theirs is written elsewhere. */
export function takesFiles(job: Job): boolean {
  if (job.pipeline === 'sync-segment') return job.members.from === 'inbox';
  return job.pipeline !== 'export-share-links' || job.customers.from === 'inbox';
}

/** What can be wrong with the outboxes of a job that makes share links. */
export function checkOutboxes(job: LinksJob): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, string>();
  for (const [i, target] of job.exports.entries()) {
    if (target.to === undefined) continue;
    const path = ['exports', i, 'to'];
    findings.push(...remoteFindings(job, path, target.to));
    const name = nameOfExport(target);
    const file = `${placeOfUrl(target.to.url)} ${target.fileName}`;
    const other = seen.get(file);
    if (other !== undefined) {
      const message = `files of ${name} and of ${other} have the same names in the same folder, and one would take the place of the other`;
      findings.push({ job, path: [...path, 'url'], message, hint: 'set another fileName', severity: 'error' });
    }
    seen.set(file, name);
  }
  return findings;
}
