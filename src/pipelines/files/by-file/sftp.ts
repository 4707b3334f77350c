import { mkdir, open, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { SftpLane } from '../../../jobs/lanes.ts';
import { recordAnswer, type SeenAnswer, seeAnswer } from '../../../ledger/upload-answers.ts';
import { holdRest } from '../../../ledger/upload-rows.ts';
import { getUpload, type Upload, updateUpload } from '../../../ledger/uploads.ts';
import { type Remote, type RemoteFile, TransferError } from '../../../model.ts';
import { TEMPORARIES, temporaryOf } from '../../../remotes/names.ts';
import { openRemote } from '../../../remotes/open.ts';
import { applyResults } from './apply.ts';
import type { Carrier, CarrierContext } from './carrier.ts';
import { concludeUpload } from './conclude.ts';
import { speaksOf } from './dialect.ts';
import { maySendAgain } from './send-again.ts';

/** The lane `sftp`: a file into Extole's folder, its results read back from the folder beside it. */
export async function openSftpCarrier(ctx: CarrierContext): Promise<Carrier> {
  const { sftp } = ctx.job.destination.extole;
  if (!sftp)
    throw new TransferError(
      'LANE_NOT_CONFIGURED',
      'a file waits for its answer on the lane sftp, and the job has no destination.extole.sftp any more',
      {
        hint: 'put the sftp settings back; the lane may be another one for new files',
      },
    );
  const remote = await openRemote(sftp, ctx.io, ctx.signal, ctx.logins);

  return {
    async send(upload, path) {
      const found = upload.askedAt === 0 ? 'not-sent' : await soughtFor(ctx, remote, sftp, upload);
      if (found === 'unknown' && !maySendAgain(ctx, upload)) return giveUp(ctx, upload);
      if (found !== 'there') {
        const doubt = found === 'unknown' ? upload.askedAt : 0;
        await place(ctx, remote, sftp, { ...upload, askedAt: doubt }, path).catch(async (error) => {
          if (!mayBeDone(error) || (await traceOf(ctx, remote, sftp, upload)) === undefined) throw error;
        });
        ctx.crashPoint('uploaded');
      }
      return updateUpload(ctx.ledger, upload.id, { state: 'uploaded', uploadedAt: ctx.io.now() });
    },
    async look(upload) {
      let changed = false;
      for (const file of await resultsOf(ctx, remote, sftp, upload)) {
        const seen = seeAnswer(ctx.ledger, upload.id, file, ctx.io.now());
        const readWith = seen.counts?.readWith;
        const done = seen.applied && (readWith === undefined || readWith === settingsOf(ctx));
        if (!done && (await readAnswer(ctx, remote, upload, file, seen))) changed = true;
      }
      if (ctx.linkProves) return changed;
      return concludeUpload(ctx, getUpload(ctx.ledger, upload.id), () => whereIs(ctx, remote, sftp, upload), changed);
    },
    [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
  };
}

/** It is noted before the step that makes the file visible, and not earlier: what died before that has surely not sent it. */
async function place(ctx: CarrierContext, remote: Remote, sftp: SftpLane, upload: Upload, path: string): Promise<void> {
  const local = { path, size: upload.bytes, sha256: upload.sha256 };
  const ask = (): void => {
    updateUpload(ctx.ledger, upload.id, { askedAt: ctx.io.now() });
    ctx.crashPoint('upload-planned');
  };
  if (sftp.place === 'dropbox') {
    const first = posix.join(sftp.dropbox, upload.name);
    mustBe(first, upload, await remote.publish(first, local, { once: true }));
    ask();
    await remote.move(first, upload.name);
    return;
  }
  try {
    const options = { once: ask, ...(sftp.place === 'direct' ? { direct: true } : {}) };
    mustBe(upload.name, upload, await remote.publish(upload.name, local, options));
  } catch (error) {
    // A clear no: as before.
    if (!mayBeDone(error)) updateUpload(ctx.ledger, upload.id, { askedAt: upload.askedAt });
    throw error;
  }
}

const mayBeDone = (error: unknown): boolean =>
  error instanceof TransferError && (error.code === 'PUBLISH_UNCERTAIN' || error.code === 'FILE_VANISHED');

function mustBe(path: string, upload: Upload, published: string): void {
  if (posix.basename(published) === upload.name) return;
  throw new TransferError('TARGET_EXISTS', `${path} is there already, with other contents`, {
    hint: 'no other program may write files of this name; move it away, and the next run sends ours',
  });
}

/**
 * Looks for a file whose last step may have been done. Extole may have taken it out of the folder and not shown it in its archive yet, so
 * where there is no trace of it, it is looked for until `settle` is over. `not-sent`: what that step takes away is still there.
 */
async function soughtFor(
  ctx: CarrierContext,
  remote: Remote,
  sftp: SftpLane,
  upload: Upload,
): Promise<'there' | 'not-sent' | 'unknown'> {
  const { io, job, signal } = ctx;
  for (;;) {
    if ((await traceOf(ctx, remote, sftp, upload)) !== undefined) return 'there';
    if (await isNotPlaced(remote, sftp, upload)) return 'not-sent';
    const left = Math.min(sftp.settle, upload.askedAt + sftp.settle - io.now());
    if (left <= 0) return 'unknown';
    io.log.info(
      { job: job.id, upload: upload.name, seconds: Math.ceil(left / 1000) },
      'looking for a file that may be sent',
    );
    await io.sleep(Math.min(job.destination.extole.upload.poll, left), signal);
  }
}

async function isNotPlaced(remote: Remote, { place, dropbox }: SftpLane, { name, sha256 }: Upload): Promise<boolean> {
  // Half of it: Extole has not taken it.
  if (place === 'direct') return (await remote.stat(name)) !== undefined;
  if (place === 'dropbox') return (await remote.stat(posix.join(dropbox, name))) !== undefined;
  for (let attempt = 0; attempt < TEMPORARIES; attempt++)
    if (await remote.stat(temporaryOf(name, sha256, attempt))) return true;
  return false;
}

/** Its rows are held; results that come after all still count. */
function giveUp({ ledger, io, job }: CarrierContext, upload: Upload): Upload {
  const reason = `${upload.name} may have been sent, and it is neither in Extole's folder nor in its archive or results; it is not known whether the destination drops a key it has (verify-dedupe)`;
  holdRest(ledger, upload, { code: 'UNKNOWN_DELIVERY', reason }, io.now());
  io.log.warn({ job: job.id, upload: upload.name, code: 'UNKNOWN_DELIVERY' }, reason);
  return updateUpload(ledger, upload.id, {
    state: 'unanswered',
    status: 'UNKNOWN_DELIVERY',
    uploadedAt: upload.askedAt,
  });
}

/** Where an upload is on the server, or where its answer is; `undefined` where there is no trace of it. In the order in which a file moves on. */
async function traceOf(
  ctx: CarrierContext,
  remote: Remote,
  sftp: SftpLane,
  upload: Upload,
): Promise<'folder' | 'archive' | 'results' | undefined> {
  const inbox = await remote.stat(upload.name);
  if (inbox) return inbox.size === upload.bytes || sftp.place !== 'direct' ? 'folder' : undefined;
  const archived = await filesOf(ctx, remote, sftp.archive);
  if (archived.some(({ name }) => speaksOf(name, upload.name))) return 'archive';
  return (await resultsOf(ctx, remote, sftp, upload)).length > 0 ? 'results' : undefined;
}

async function whereIs(ctx: CarrierContext, remote: Remote, sftp: SftpLane, upload: Upload): Promise<string> {
  switch (await traceOf(ctx, remote, sftp, upload)) {
    case 'folder':
      return `Extole has not taken the file, it is still in ${remote.url}; most likely Extole does not read this folder, or no file of such a name: check destination.extole.sftp.url`;
    case 'archive':
      return 'Extole has taken the file, and its results do not speak of this row; look in My Extole whether it was accepted';
    case 'results':
      return 'the results of the file do not speak of this row; look in My Extole whether it was accepted';
    default:
      return `the file is neither in ${remote.url} nor in its archive, and there are no results; ask Extole what became of it`;
  }
}

async function resultsOf(ctx: CarrierContext, remote: Remote, sftp: SftpLane, upload: Upload): Promise<RemoteFile[]> {
  const files = await filesOf(ctx, remote, sftp.results);
  return files.filter(({ name }) => speaksOf(name, upload.name));
}

/** Extole makes these folders when it needs them. */
async function filesOf(ctx: CarrierContext, remote: Remote, folder: string): Promise<RemoteFile[]> {
  try {
    return (await remote.list(folder, ctx.signal)).files;
  } catch (error) {
    if (error instanceof TransferError && /^NO_SUCH_/.test(error.code)) return [];
    throw error;
  }
}

const NOTHING_READ = { lines: 0, succeeded: 0, failed: 0, unknown: 0, repeated: 0, unclear: 0 };

/** How results are read: where they were not understood, other settings may do better. */
const settingsOf = ({ job }: CarrierContext): string => JSON.stringify(job.destination.extole.upload.results);

/** Reads one results file. `true`: rows got their answer, or are held because of it. */
async function readAnswer(
  ctx: CarrierContext,
  remote: Remote,
  upload: Upload,
  file: RemoteFile,
  seen: SeenAnswer,
): Promise<boolean> {
  const { ledger, io, job } = ctx;
  const folder = join(ctx.staging, 'answers');
  const path = join(folder, `u${upload.id}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    if (!(await fetched(ctx, remote, file, path))) return false;
    const settled = io.now() - seen.stableSince >= job.destination.extole.upload.stable;
    const applied = await applyResults(ctx, upload, { path, name: file.name, settled });
    if (applied.kind === 'incomplete') return false;
    const counts = applied.kind === 'applied' ? applied.counts : NOTHING_READ;
    const understood = applied.kind === 'refused' || (applied.kind === 'applied' && counts.unclear === 0);
    recordAnswer(
      ledger,
      upload.id,
      file.path,
      understood ? counts : { ...counts, readWith: settingsOf(ctx) },
      io.now(),
    );
    if (applied.kind !== 'applied')
      io.log.warn({ job: job.id, upload: upload.name, code: applied.code }, applied.reason);
    updateUpload(ledger, upload.id, { status: applied.kind === 'applied' ? '' : applied.code });
    return applied.changed > 0;
  } finally {
    await rm(path, { force: true });
  }
}

/** `false`: it changed while it was read, or is gone; the next look finds it again. */
async function fetched(ctx: CarrierContext, remote: Remote, file: RemoteFile, path: string): Promise<boolean> {
  const handle = await open(path, 'w', 0o600);
  try {
    for await (const chunk of remote.read(file, ctx.signal)) await handle.writeFile(chunk);
    return true;
  } catch (error) {
    if (error instanceof TransferError && (error.code === 'FILE_CHANGED' || error.code === 'FILE_VANISHED'))
      return false;
    throw error;
  } finally {
    await handle.close();
  }
}
