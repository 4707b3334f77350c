import { type RemoteSettings, remoteProblems } from '../remotes/settings.ts';
import type { Finding } from './check.ts';
import type { Path } from './references.ts';
import type { Job } from './schema.ts';

/** What is wrong with the settings of a server, which stand at a path of a job file. */
export function remoteFindings(job: Job, path: Path, settings: RemoteSettings): Finding[] {
  return remoteProblems(settings).map(({ field, message }) => ({
    job,
    path: [...path, field],
    message,
    // A job without a host key must load all the same: the doctor learns the key through it. Connecting is refused.
    severity: field === 'hostKey' ? 'warning' : 'error',
  }));
}
