import { join } from 'node:path';
import { EXIT, TransferError } from '../../model.ts';
import type { SegmentFindings } from '../../pipelines/sync-segment/verify.ts';
import { readJob } from '../jobs.ts';
import type { Verb } from '../verb.ts';

export interface VerifySegmentRequest {
  verb: 'verify-segment';
  job: string;
  segment: string;
  /** Make the target say what was confirmed. */
  repair?: boolean;
}

/** Reads the members of a segment back from its target and says what differs; with `repair`, puts it right there. */
export const verifySegment: Verb<VerifySegmentRequest, SegmentFindings> = {
  name: 'verify-segment',
  execute: async ({ job: id, segment, repair = false }, { ledger, io, signal, jobs, state, crashPoint }) => {
    const job = await readJob(jobs, id, io.env);
    if (job.pipeline !== 'sync-segment')
      throw new TransferError('USAGE', `job ${job.id} keeps no segments`, {
        hint: 'name a job with pipeline: sync-segment',
      });
    const around = { ledger, io, signal, staging: join(state, 'staging'), ...(crashPoint ? { crashPoint } : {}) };
    // With the code of every target: other verbs need none of it.
    const { verifySegment: verify } = await import('../../pipelines/sync-segment/verify.ts');
    const findings = await verify(around, job, segment, repair);
    const differs = findings.missing + findings.strangers > 0;
    const mended = findings.repaired !== undefined && findings.repaired.open === 0;
    return { executed: findings, exitCode: differs && !mended ? EXIT.attention : EXIT.ok };
  },
};
