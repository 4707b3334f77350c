import {
  type BatchJob,
  createFilesApi,
  type FilesApi,
  type FilesReply,
} from '../../../destinations/extole/files-api.ts';
import { acceptRest, holdRest, unansweredRows } from '../../../ledger/upload-rows.ts';
import { getUpload, type Upload, updateUpload } from '../../../ledger/uploads.ts';
import { TransferError } from '../../../model.ts';
import type { Carrier, CarrierContext } from './carrier.ts';
import { maySendAgain } from './send-again.ts';

/** The lane `batch`: a file at Extole, a batch job that reads it, and its counts as the answer. */
export async function openBatchCarrier(ctx: CarrierContext): Promise<Carrier> {
  const { extole } = ctx.job.destination;
  const api = createFilesApi(extole, ctx.job.delivery, ctx.io, ctx.refreshToken);
  const ended = new AbortController();
  // Sending a large file may take long. What is cut has no answer, and is looked for by its name before it is sent again.
  const cut = (): void => {
    ctx.io.sleep(LAST_WAIT_MS, ended.signal).then(
      () => api[Symbol.asyncDispose](),
      () => {},
    );
  };
  if (ctx.signal.aborted) cut();
  else ctx.signal.addEventListener('abort', cut, { once: true });

  return {
    async send(upload, path) {
      const file = await sendFile(ctx, api, upload, path);
      return file.state === 'uploaded' ? startBatch(ctx, api, file) : file;
    },
    async look({ id }) {
      // As it is by now: an earlier look may have made the batch job.
      const upload = getUpload(ctx.ledger, id);
      const started = upload.state === 'uploaded' ? await startBatch(ctx, api, upload) : upload;
      const changed = started.state !== upload.state;
      if (started.state !== 'started' && started.state !== 'unanswered') return changed;
      return (await lookAt(ctx, api, started)) || changed;
    },
    async [Symbol.asyncDispose]() {
      ctx.signal.removeEventListener('abort', cut);
      ended.abort();
      await api[Symbol.asyncDispose]();
    },
  };
}

/** How long an answer is waited for once everything is to stop. */
const LAST_WAIT_MS = 5000;

/** What Extole answered; `undefined` where it gave no clear answer, and a later look may say more. Throws where it is halted. */
function clear<T>(
  ctx: CarrierContext,
  upload: Upload,
  reply: FilesReply<T>,
): Exclude<FilesReply<T>, { kind: 'halted' | 'later' | 'unknown' }> | undefined {
  if (reply.kind === 'halted') throw new TransferError(reply.code, reply.reason);
  if (reply.kind === 'ok' || reply.kind === 'refused') return reply;
  ctx.io.log.warn({ job: ctx.job.id, upload: upload.name, code: reply.code }, reply.reason);
  return undefined;
}

/** What a look by name found; `undefined` where it was not answered. That a look is refused does not say that there is nothing. */
function lookedFor<T>(
  ctx: CarrierContext,
  upload: Upload,
  reply: FilesReply<T>,
): Extract<FilesReply<T>, { kind: 'ok' }> | undefined {
  const answer = clear(ctx, upload, reply);
  if (answer?.kind !== 'refused') return answer;
  const { code, reason } = answer;
  ctx.io.log.warn({ job: ctx.job.id, upload: upload.name, code }, `it cannot be looked for by its name: ${reason}`);
  return undefined;
}

/** A file by itself sends nothing, and Extole takes no name twice: it is looked for first where it may be there. */
async function sendFile(ctx: CarrierContext, api: FilesApi, upload: Upload, path: string): Promise<Upload> {
  const { ledger, io } = ctx;
  const found = async (): Promise<string | undefined | 'unclear'> => {
    const reply = lookedFor(ctx, upload, await api.findFile(upload.name));
    return reply === undefined ? 'unclear' : reply.value;
  };
  let fileId = upload.askedAt === 0 ? undefined : await found();
  if (fileId === 'unclear') return upload;
  if (fileId === undefined) {
    updateUpload(ledger, upload.id, { askedAt: io.now() });
    ctx.crashPoint('upload-planned');
    const { name, format, bytes } = upload;
    const raw = await api.upload({ name, format, path, bytes });
    const reply = clear(ctx, upload, raw);
    if (reply === undefined) return updateUpload(ledger, upload.id, { status: raw.kind });
    if (reply.kind === 'ok') fileId = reply.value;
    else {
      const known = reply.code === 'file_asset_duplicated_name' ? await found() : undefined;
      if (known === 'unclear') return upload;
      if (known === undefined)
        return refuse(
          ctx,
          upload,
          'EXTOLE_FILE_REFUSED',
          `Extole refused the file ${name}: ${reply.code} (${reply.reason})`,
        );
      fileId = known;
    }
  }
  ctx.crashPoint('uploaded');
  return updateUpload(ledger, upload.id, { state: 'uploaded', fileId, uploadedAt: io.now(), askedAt: 0 });
}

/** Makes the batch job, once: where the answer to an earlier attempt was lost, the job is looked for by its name. */
async function startBatch(ctx: CarrierContext, api: FilesApi, upload: Upload): Promise<Upload> {
  const { ledger, io } = ctx;
  if (upload.askedAt !== 0) {
    const reply = lookedFor(ctx, upload, await api.findBatch(upload.name));
    if (reply === undefined) return upload;
    if (reply.value) return started(ctx, upload, reply.value);
    if (io.now() - upload.askedAt < ctx.job.destination.extole.batch.settle) return upload;
    if (!maySendAgain(ctx, upload))
      return refuse(
        ctx,
        upload,
        'UNKNOWN_DELIVERY',
        `the answer to making the batch job ${upload.name} was lost, and Extole lists no such job; it is not known whether the destination drops a key it has (verify-dedupe)`,
      );
  }
  updateUpload(ledger, upload.id, { askedAt: io.now() });
  ctx.crashPoint('batch-planned');
  const { name, fileId, columns } = upload;
  const reply = await api.start({ name, fileId, columns });
  ctx.crashPoint('batch-started');
  if (reply.kind === 'ok') return started(ctx, upload, reply.value);
  // Only an unclear answer leaves a doubt whether there is a job now.
  if (reply.kind !== 'unknown') updateUpload(ledger, upload.id, { askedAt: 0 });
  const answer = clear(ctx, upload, reply);
  if (answer?.kind === 'refused')
    return refuse(
      ctx,
      upload,
      'BATCH_FAILED',
      `Extole refused to make the batch job ${name}: ${answer.code} (${answer.reason})`,
    );
  return updateUpload(ledger, upload.id, { status: reply.kind });
}

function started({ ledger }: CarrierContext, upload: Upload, { id, status }: BatchJob): Upload {
  return updateUpload(ledger, upload.id, { state: 'started', batchId: id, status, askedAt: 0 });
}

function refuse(ctx: CarrierContext, upload: Upload, code: string, reason: string): Upload {
  const now = ctx.io.now();
  holdRest(ctx.ledger, upload, { code, reason }, now);
  ctx.io.log.warn({ job: ctx.job.id, upload: upload.name, code }, reason);
  return updateUpload(ctx.ledger, upload.id, { state: 'refused', status: code, endedAt: now });
}

/** Looks at the batch job once. `true`: it is over, or time is, and that was not known before. */
async function lookAt(ctx: CarrierContext, api: FilesApi, upload: Upload): Promise<boolean> {
  const { ledger, io } = ctx;
  const reply = clear(ctx, upload, await api.batch(upload.batchId));
  const now = io.now();
  const job = reply?.kind === 'ok' ? reply.value : undefined;
  if (reply?.kind === 'refused') {
    refuse(
      ctx,
      upload,
      'BATCH_FAILED',
      `Extole does not show the batch job ${upload.name}: ${reply.code} (${reply.reason})`,
    );
    return true;
  }
  if (job && isOver(job)) {
    conclude(ctx, upload, job);
    ctx.crashPoint('results-read');
    // Its end may be known from the job's name, by a process that died before it acted on it.
    return getUpload(ledger, upload.id).state !== upload.state || job.status !== upload.status;
  }
  const status = job?.status ?? upload.status;
  updateUpload(ledger, upload.id, { status, lookedAt: now });
  const { proofTimeout } = ctx.job.destination.extole.upload;
  const { maxAge } = ctx.job.held;
  if (upload.state === 'unanswered') {
    const { others } = unansweredRows(ledger, upload);
    if (others === 0 || now - upload.uploadedAt > proofTimeout + maxAge)
      updateUpload(ledger, upload.id, { state: 'answered', endedAt: now });
    return false;
  }
  if (now - upload.uploadedAt < proofTimeout || ctx.linkProves) return false;
  const reason = `the batch job ${upload.name} (${upload.batchId}) has not come to an end, it is ${status || 'in no known state'}; look at it in My Extole`;
  holdRest(ledger, upload, { code: 'NO_PROOF', reason }, now);
  updateUpload(ledger, upload.id, { state: 'unanswered' });
  return true;
}

const isOver = ({ status }: BatchJob): boolean => ['DONE', 'FAILED', 'CANCELED', 'EXPIRED'].includes(status);

/** Delivered only where Extole's numbers are ours to the row; nobody can tell which rows a difference means. */
function conclude(ctx: CarrierContext, upload: Upload, job: BatchJob): void {
  const { ledger, io } = ctx;
  const { id, status, successRows, failedRows, errorCode, errorMessage } = job;
  const numbers = `${upload.rows} rows were sent, Extole counts ${successRows ?? 'no number of'} accepted and ${failedRows ?? 'no number of'} failed`;
  if (status === 'DONE' && ctx.linkProves) {
    const notices =
      successRows === upload.rows && failedRows === 0 ? [] : [{ code: 'BATCH_MISMATCH', message: numbers }];
    updateUpload(ledger, upload.id, { status, lookedAt: io.now(), notices });
    return;
  }
  if (status === 'DONE' && successRows === upload.rows && failedRows === 0) {
    acceptRest(ledger, upload, { kind: 'batch_counts', eventId: `batch:${id}` }, io.now());
    updateUpload(ledger, upload.id, { state: 'answered', status, endedAt: io.now(), notices: [] });
    return;
  }
  const said = [errorCode, errorMessage].filter((text) => text !== '').join(': ');
  const [code, reason] =
    status === 'DONE'
      ? ['BATCH_MISMATCH', `the batch job ${upload.name} (${id}) is done, but the numbers differ: ${numbers}`]
      : [
          'BATCH_FAILED',
          `the batch job ${upload.name} (${id}) ended as ${status}${said === '' ? '' : `: ${said}`}; ${numbers}`,
        ];
  const ended = refuse(ctx, upload, code, reason);
  updateUpload(ledger, ended.id, { notices: [{ code, message: reason }] });
}
