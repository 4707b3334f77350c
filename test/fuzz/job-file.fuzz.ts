import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatProblem, loadJobs } from '../../src/jobs/load.ts';
import { addressOf } from '../../src/remotes/address.ts';
import { must, newFolder, takeFrom } from './support.ts';

const folder = newFolder();
mkdirSync(join(folder, 'jobs'));
const SECRET = 'a-secret-of-the-environment';

/** Job files of any text: jobs or problems with a place; never an error, and never a secret in a message. */
export async function fuzz(data: Buffer): Promise<void> {
  const text = takeFrom(data).rest();
  writeFileSync(join(folder, 'jobs', 'a.yaml'), text);
  const { jobs, problems } = await loadJobs(join(folder, 'jobs'), { EXTOLE_TOKEN: SECRET, SFTP_PASSWORD: SECRET });
  must(jobs.length > 0 || problems.length > 0, 'a file without a job and without a problem');
  for (const problem of problems) {
    must(problem.message !== '' && problem.line >= 1 && problem.column >= 1, 'a problem without a place', problem);
    must(!formatProblem(problem).includes(SECRET), 'a problem shows a secret', problem);
  }
  for (const { source } of jobs) if (source.url.startsWith('sftp:')) addressOf(source.url);
}
