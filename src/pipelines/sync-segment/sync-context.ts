import { join } from 'node:path';
import { backoffDelay } from '../../delivery/backoff.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import { keyedHash, type RunContext } from '../files/context.ts';
import type { SyncContext } from './sync.ts';

/** What a process leaves here that dies, prune finds. */
export const scratchOf = (staging: string): string => join(staging, 'members');

/** What a sync needs, out of what a run or a repair has. `applied`: as of `SyncContext`. */
export function syncContext(
  {
    ledger,
    io,
    signal,
    staging,
    crashPoint = () => {},
  }: Pick<RunContext, 'ledger' | 'io' | 'signal' | 'staging'> & Partial<Pick<RunContext, 'crashPoint'>>,
  { delivery, failed }: Pick<SegmentsJob, 'delivery' | 'failed'>,
  applied: SyncContext['applied'] = () => {},
): SyncContext {
  return {
    ...{ ledger, io, signal, hash: keyedHash(ledger), scratch: scratchOf(staging), applied, crashPoint },
    ...{ maxAttempts: delivery.maxAttempts, failedMaxAge: failed.maxAge },
    backoffMs: (attempt) => backoffDelay(attempt, delivery.backoff, io.random()),
  };
}
