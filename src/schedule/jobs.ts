import { loadJobs } from '../jobs/load.ts';
import type { Job } from '../jobs/schema.ts';
import { TransferError } from '../model.ts';

/** Reads one job by its id. Throws `CONFIGURATION` with every problem of its file, or the ids that exist. */
export async function readJob(
  folder: string,
  id: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Job> {
  const { jobs, problems } = await loadJobs(folder, env);
  const job = jobs.find((each) => each.id === id);
  if (job) return job;
  const errors = problems.filter((problem) => problem.severity === 'error');
  const its = errors.filter((problem) => problem.file.includes(id));
  if (its.length > 0) {
    const list = its.map((p) => `${p.file}:${p.line}: ${p.field ? `${p.field}: ` : ''}${p.message}`).join('\n  ');
    throw new TransferError('CONFIGURATION', `job ${id} has problems:\n  ${list}`, {
      hint: 'referry check lists them all',
    });
  }
  const known = jobs.map((each) => each.id).join(', ') || 'none';
  throw new TransferError('CONFIGURATION', `there is no job ${id} in ${folder}; there is: ${known}`, {
    hint: 'give the id of a job, which is its file name without .yaml unless the file says another; see referry check',
  });
}
