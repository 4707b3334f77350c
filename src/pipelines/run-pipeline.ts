import { createExtole } from '../destinations/extole/extole.ts';
import { type RunOptions, type RunResult, runJob } from './files/run-job.ts';

/** One execution of a job, by its pipeline; only that one is loaded. */
export async function runPipeline(options: Omit<RunOptions, 'pipeline'>): Promise<RunResult> {
  const { job, io } = options;
  switch (job.pipeline) {
    case 'deliver-events': {
      const destination = createExtole(job.destination.extole, job.delivery, io);
      return runJob({ ...options, pipeline: { destination, inbox: true } });
    }
    case 'export-share-links': {
      const { exportShareLinks } = await import('./export-share-links/run.ts');
      return exportShareLinks(options, job);
    }
    case 'sync-segment': {
      const { syncSegments } = await import('./sync-segment/run.ts');
      return syncSegments(options, job);
    }
  }
}
