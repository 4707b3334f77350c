import type { Io } from '../../model.ts';
import type { Account, TakenRow } from './account.ts';
import {
  type Batch,
  type BatchBehaviour,
  type BatchState,
  FINAL,
  shown,
  stateOf,
  USUAL_BATCHES,
} from './batch-record.ts';
import { type BatchRequest, readBatchRequest } from './batch-request.ts';
import { type FileRows, readRows, UnreadableFile } from './dialect.ts';
import { errorReply, type Reply } from './errors.ts';
import type { FileAsset, FileAssets } from './files.ts';
import { listed, ok } from './paging.ts';
import { judgeRow, type RowRules } from './row-rules.ts';

export interface Batches {
  readonly behaviour: BatchBehaviour;
  create(text: string): { reply: Reply; id: string };
  list(query: URLSearchParams): Reply;
  get(id: string): Reply;
  cancel(id: string): Reply;
  expire(id: string): Reply;
  remove(id: string): Reply;
}

export interface BatchOptions {
  io: Io;
  files: FileAssets;
  account: Account;
  blocked: ReadonlySet<string>;
  behaviour?: Partial<BatchBehaviour>;
}

const CHUNK = 1000;

/**
 * Batches over uploaded files. Their rows are taken when the batch is made, whatever state it shows afterwards: a batch
 * that a client makes twice is seen twice in what was taken.
 */
export function createBatches(options: BatchOptions): Batches {
  const { io, files, account, blocked } = options;
  const behaviour: BatchBehaviour = { ...USUAL_BATCHES, ...options.behaviour };
  const batches = new Map<string, Batch>();
  const read = new Set<string>();
  let count = 0;
  const now = (): string => new Date(io.now()).toISOString();

  function create(text: string): Batch | Reply {
    const request = readBatchRequest(text);
    if ('status' in request) return request;
    const opened = files.open(request.fileAssetId);
    if ('status' in opened) return opened;
    count += 1;
    const id = `74654${1_000_000 + count}`;
    const batch: Batch = {
      id,
      request,
      walk: behaviour.walk,
      step: 0,
      lockedLooks: behaviour.lockedLooks,
      counts: { success: 0, failed: 0 },
      created: now(),
      updated: now(),
    };
    const refusal = process(batch, opened.asset, opened.text);
    if (refusal) return refusal;
    batches.set(id, batch);
    return batch;
  }

  function process(batch: Batch, asset: FileAsset, text: string): Reply | undefined {
    const again = read.has(asset.id);
    read.add(asset.id);
    if (again && behaviour.refuseSameFile) return fail(batch, 'DUPLICATED_FILE', 'The file was already processed');
    if (asset.review_status !== 'APPROVED') return fail(batch, 'FILE_NOT_APPROVED', 'The file was not approved');
    let rows: FileRows;
    try {
      rows = readRows(text, asset.format, behaviour.quotes);
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      return fail(batch, 'INPUT_FILE_ERROR', error.message);
    }
    const unknown = batch.request.eventColumns?.find((name) => !rows.columns.includes(name));
    if (unknown !== undefined) {
      return errorReply('invalid_parameter', {
        name: 'event_columns',
        reason: `no column ${unknown} in the data source`,
      });
    }
    const end = behaviour.walk.at(-1);
    const fails = end === 'FAILED' || end === 'CANCELED' || end === 'EXPIRED';
    if (end === 'FAILED') fail(batch, behaviour.errorCode, behaviour.errorMessage, false);
    takeRows(batch, rows, fails ? behaviour.takenBeforeEnd : Number.POSITIVE_INFINITY);
    return undefined;
  }

  /** `atOnce`: whatever the walk says, the next look shows it. */
  function fail(batch: Batch, code: string, message: string, atOnce = true): undefined {
    batch.ended = { state: 'FAILED', code, message };
    if (atOnce) batch.walk = ['PENDING', 'FAILED'];
    return undefined;
  }

  function takeRows(batch: Batch, { columns, rows }: FileRows, most: number): void {
    const { request } = batch;
    const sent = request.eventColumns ?? (behaviour.withoutEventColumns === 'all' ? [...columns] : []);
    const places = sent.map((name) => columns.indexOf(name));
    const rules: RowRules = {
      defaultName: request.defaultEventName,
      forcedName: request.eventName,
      oneOf: ['email', 'partner_user_id', 'person_id'],
      blocked,
      now: now(),
      extra: request.eventData,
    };
    const good: TakenRow[] = [];
    for (const { number, values, fault } of rows.slice(0, most)) {
      const broken = fault !== undefined || behaviour.refuseRow(number) || !meetsRules(request, columns, values);
      const verdict = broken
        ? undefined
        : judgeRow(
            sent,
            places.map((place) => values[place] ?? ''),
            rules,
          );
      if (verdict?.ok) good.push({ path: `/v6/batches/${batch.id}#${number}`, event: verdict.event });
      else batch.counts.failed += 1;
    }
    batch.counts.success = good.length;
    for (let i = 0; i < good.length; i += CHUNK) account.takeRows(good.slice(i, i + CHUNK));
  }

  function withBatch(id: string, then: (batch: Batch) => Reply): Reply {
    const batch = batches.get(id);
    if (!batch) return errorReply('not_found');
    if (batch.lockedLooks === 0) return then(batch);
    batch.lockedLooks -= 1;
    return { ...errorReply('batch_job_locked'), status: behaviour.lockedStatus };
  }

  function end(id: string, to: BatchState, allowed: (state: BatchState) => boolean): Reply {
    return withBatch(id, (batch) => {
      if (!allowed(stateOf(batch))) return errorReply('batch_job_invalid_state_transition');
      batch.ended = { state: to, code: '', message: '' };
      batch.walk = [to];
      batch.step = 0;
      batch.updated = now();
      return ok(shown(batch, behaviour));
    });
  }

  return {
    behaviour,
    create(text) {
      const made = create(text);
      return 'id' in made ? { reply: ok(shown(made, behaviour)), id: made.id } : { reply: made, id: '' };
    },
    list(query) {
      const name = (query.get('name') ?? '').toLowerCase();
      const wanted = (batch: Batch): boolean =>
        (batch.request.name ?? '').toLowerCase().includes(name) &&
        (!query.has('event_name') || query.get('event_name') === batch.request.eventName) &&
        (!query.has('status') || query.getAll('status').includes(stateOf(batch))) &&
        query.getAll('tags').every((tag) => batch.request.tags.includes(tag));
      const found = [...batches.values()].reverse().filter(wanted);
      return listed(
        found.map((batch) => shown(batch, behaviour)),
        query,
      );
    },
    get: (id) =>
      withBatch(id, (batch) => {
        const reply = ok(shown(batch, behaviour));
        if (batch.step < batch.walk.length - 1) {
          batch.step += 1;
          batch.updated = now();
        }
        return reply;
      }),
    cancel: (id) => end(id, 'CANCELED', (state) => !FINAL.has(state)),
    expire: (id) => end(id, 'EXPIRED', (state) => FINAL.has(state) && state !== 'EXPIRED'),
    remove: (id) =>
      withBatch(id, (batch) => {
        if (!FINAL.has(stateOf(batch))) return errorReply('batch_job_delete_not_allowed');
        batches.delete(id);
        return ok(shown(batch, behaviour));
      }),
  };
}

function meetsRules({ columns: rules }: BatchRequest, columns: readonly string[], values: readonly string[]): boolean {
  return rules.every(({ matches, policy }) => {
    if (policy === 'OPTIONAL') return true;
    const found = columns.flatMap((name, i) => (matches.test(name) ? [values[i] ?? ''] : []));
    return found.length > 0 && (policy === 'REQUIRED_COLUMN' || found.every((value) => value.trim() !== ''));
  });
}
