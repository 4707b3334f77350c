import { loadJobs } from '../jobs/load.ts';
import { TransferError } from '../model.ts';
import { openWorld } from './shared.ts';

/** The job that keeps a segment of this id. Throws `USAGE` where there is none, or several. */
export async function jobOfSegment(segment: string, options: { jobs?: string; state?: string }): Promise<string> {
  const { settings, io } = openWorld(options);
  const { jobs } = await loadJobs(settings.jobs, io.env);
  const keeping = jobs.filter((job) => job.pipeline === 'sync-segment' && Object.hasOwn(job.segments, segment));
  const [job, ...others] = keeping.map(({ id }) => id);
  if (job !== undefined && others.length === 0) return job;
  if (job === undefined)
    throw new TransferError('USAGE', `no job in ${settings.jobs} keeps a segment ${segment}`, {
      hint: 'give the id under which a job with pipeline: sync-segment has it in segments',
    });
  throw new TransferError('USAGE', `several jobs keep a segment ${segment}: ${[job, ...others].join(', ')}`, {
    hint: 'say which: --job ID',
  });
}
