import type { SegmentsJob } from '../../jobs/schema.ts';
import type { Io } from '../../model.ts';
import type { RowDestination } from '../files/context.ts';
import type { Pipeline } from '../files/pipeline.ts';
import { type RunOptions, type RunResult, runJob } from '../files/run-job.ts';
import { memberCourse } from './course.ts';
import { gatherDelivered } from './delivered.ts';
import { gatherPages } from './pages.ts';
import { identityOf, openTargets } from './targets.ts';

/** One execution of a job: files say who is in a segment, and the target is made to say the same. */
export function syncSegments(options: Omit<RunOptions, 'pipeline'>, job: SegmentsJob): Promise<RunResult> {
  const { io } = options;
  const pipeline: Pipeline = {
    destination: segmentsDestination(job, io),
    inbox: job.members.from === 'inbox',
    ...gatherOf(job),
    course: memberCourse(job, (ctx) => openTargets(job.target, io, ctx)),
  };
  return runJob({ ...options, pipeline });
}

/** How members come that are in no inbox. */
function gatherOf(job: SegmentsJob): Pick<Pipeline, 'gather'> {
  switch (job.members.from) {
    case 'inbox':
      return {};
    case 'heap':
      return { gather: (ctx) => gatherPages(ctx, job) };
    case 'ledger':
      return { gather: (ctx) => gatherDelivered(ctx, job) };
  }
}

/** The target of a job, as a destination: its rows leave together, and not one by one. */
export function segmentsDestination(job: SegmentsJob, io: Io): RowDestination {
  return {
    identity: identityOf(job.target, io),
    laneFor: () => 'members',
    open: () => {
      throw new Error('members do not leave row by row');
    },
  };
}
