import type { BatchRequest } from './batch-request.ts';
import type { Quotes } from './dialect.ts';

export const BATCH_STATES = [
  'PENDING',
  'QUEUED',
  'PENDING_RETRY',
  'IN_PROGRESS',
  'DISPATCHING',
  'DONE',
  'FAILED',
  'CANCELED',
  'EXPIRED',
] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export interface RowCounts {
  success: number;
  failed: number;
}

/** How batches go, and how they misbehave. Each can be switched while the stand-in runs. */
export interface BatchBehaviour {
  /** The states one after the other, one for each look at the batch; the last one stays. */
  walk: readonly BatchState[];
  /** Looks that are answered `batch_job_locked` before the first one that is not, as 423 or, as the docs have it, 400. */
  lockedLooks: number;
  lockedStatus: 423 | 400;
  /** The counts that are told, from the right ones; `null`: none are told. */
  counts: (right: RowCounts) => RowCounts | null;
  /** How many rows are taken before a batch fails, is canceled or expires. */
  takenBeforeEnd: number;
  /** A row that the rules let through and that fails nevertheless. */
  refuseRow: (number: number) => boolean;
  errorCode: string;
  errorMessage: string;
  /** A file that an earlier batch has read already makes the next one fail. */
  refuseSameFile: boolean;
  /** Without `event_columns`: rows are sent with none of their columns, or with all. Not documented. */
  withoutEventColumns: 'none' | 'all';
  quotes: Quotes;
}

export const USUAL_BATCHES: Readonly<BatchBehaviour> = {
  walk: ['PENDING', 'QUEUED', 'IN_PROGRESS', 'DISPATCHING', 'DONE'],
  lockedLooks: 0,
  lockedStatus: 423,
  counts: (right) => right,
  takenBeforeEnd: 0,
  refuseRow: () => false,
  errorCode: 'SOFTWARE_ERROR',
  errorMessage: 'An unexpected error occurred.',
  refuseSameFile: false,
  withoutEventColumns: 'none',
  quotes: 'backslash',
};

/** A batch that was made. */
export interface Batch {
  id: string;
  request: BatchRequest;
  walk: readonly BatchState[];
  /** How far along the walk it is. */
  step: number;
  lockedLooks: number;
  counts: RowCounts;
  /** Set where the batch failed by itself, or was ended from outside. */
  ended?: { state: BatchState; code: string; message: string };
  created: string;
  updated: string;
}

export const FINAL: ReadonlySet<BatchState> = new Set(['DONE', 'FAILED', 'CANCELED', 'EXPIRED']);
export function stateOf({ walk, step }: Batch): BatchState {
  return walk[step] ?? walk.at(-1) ?? 'PENDING';
}

/** While rows are dispatched the counts grow; only those of an end are final. */
function countsIn(
  batch: Batch,
  { counts }: BatchBehaviour,
): { success_rows: number | null; failed_rows: number | null } {
  const state = stateOf(batch);
  if (FINAL.has(state)) {
    const told = counts(batch.counts);
    return { success_rows: told?.success ?? null, failed_rows: told?.failed ?? null };
  }
  if (state !== 'DISPATCHING') return { success_rows: null, failed_rows: null };
  return { success_rows: Math.floor(batch.counts.success / 2), failed_rows: Math.floor(batch.counts.failed / 2) };
}

/** As `GET /v6/batches/{id}` shows it. */
export function shown(batch: Batch, behaviour: BatchBehaviour): Record<string, unknown> {
  const { id, request, ended, created, updated, counts } = batch;
  const state = stateOf(batch);
  const started = state === 'PENDING' || state === 'QUEUED' ? null : created;
  const failure = FINAL.has(state) && state === ended?.state ? ended : undefined;
  return {
    id,
    name: request.name ?? null,
    status: state,
    event_name: request.eventName ?? null,
    default_event_name: request.defaultEventName ?? null,
    event_columns: request.eventColumns ?? [],
    event_data: request.eventData,
    columns: request.sent.columns ?? [],
    tags: request.tags,
    scopes: request.scopes,
    data_source: request.sent.data_source,
    user_id: '7465300000000000001',
    created_date: created,
    updated_date: updated,
    started_date: started,
    completed_date: FINAL.has(state) ? updated : null,
    ...countsIn(batch, behaviour),
    error_code: failure?.code || null,
    error_message: failure?.message || null,
    debug_message: null,
    ...(counts.failed > 0 && state === 'DONE' ? { debug_message: `${counts.failed} rows failed` } : {}),
  };
}
