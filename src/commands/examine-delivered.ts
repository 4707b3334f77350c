import { join } from 'node:path';
import type { Job } from '../jobs/schema.ts';
import type { Ledger } from '../ledger/open.ts';
import { type Io, TransferError } from '../model.ts';
import { findDelivered } from '../pipelines/sync-segment/delivered.ts';
import type { Examined } from './examine.ts';

/** Whether everybody can be known whom a segment of delivered rows is made of; `undefined`: the job takes none. */
export function examineDelivered(
  job: Job,
  ledger: Ledger | undefined,
  { io, state }: { io: Io; state: string },
): Examined | undefined {
  if (job.pipeline !== 'sync-segment' || job.members.ledger === undefined) return undefined;
  const { jobs, days } = job.members.ledger;
  const subject = `job ${job.id}: rows that ${jobs.join(', ')} delivered`;
  const step = `in ${days} day${days === 1 ? '' : 's'}`;
  if (!ledger) return { subject, steps: [{ step, verdict: 'ok', detail: 'none yet: there is no ledger' }] };
  try {
    const { files } = findDelivered({ ledger, io, staging: join(state, 'staging') }, job);
    const rows = files.reduce((sum, file) => sum + file.rows, 0);
    const detail = `${rows} row${rows === 1 ? '' : 's'} of ${files.length} file${files.length === 1 ? '' : 's'}, whose staged copies are there`;
    return { subject, steps: [{ step, verdict: 'ok', detail }] };
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    const detail = `${error.code}: ${error.message}`;
    return { subject, steps: [{ step, verdict: 'FAIL', detail, hint: error.hint, cause: 'configuration' }] };
  }
}
