import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { observationsOf, rememberObservations, type SeenFile } from '../../ledger/observations.ts';
import { openProcessing, openProcessings, type Processing, updateProcessing } from '../../ledger/processings.ts';
import { type Notice, type RemoteFile, TransferError } from '../../model.ts';
import { hasMarker, isBeingWritten, isCandidateName, judgeStability, matchPattern } from '../../remotes/stable.ts';
import type { RunContext } from './context.ts';
import { LOCAL } from './stage.ts';

/**
 * Files of the inbox that match, have stopped changing and are not being worked on, oldest first. `waitMs`: when another look
 * would find more.
 */
export async function findFiles(ctx: RunContext): Promise<{ files: RemoteFile[]; notices: Notice[]; waitMs?: number }> {
  const { job, ledger, io } = ctx;
  const { source } = job;
  const { files, notices } = await ctx.remote.list(source.inbox, ctx.signal);
  const names = new Set(files.map((file) => file.name));
  const matches = matchPattern(source.match);
  const before = observationsOf(ledger, job.id);
  const seen = new Map<string, SeenFile>();
  const inWork = new Map(openProcessings(ledger, job.id).map((each) => [each.inboxPath, each]));
  const now = io.now();
  const ready: RemoteFile[] = [];
  let waitMs: number | undefined;

  for (const file of files) {
    if (!isCandidateName(file.name) || !matches(file.name)) continue;
    const { observation, stable } = judgeStability(before.get(file.path), file, now, source.stable.for);
    seen.set(file.path, observation);
    const marker = source.stable.marker;
    const complete =
      marker === undefined ? stable && !isBeingWritten(file.name, names) : hasMarker(file.name, marker, names);
    if (isSameSighting(inWork.get(file.path), file)) continue;
    if (complete) ready.push(file);
    else if (marker === undefined) {
      const left = Math.max(MIN_WAIT_MS, source.stable.for - (now - observation.stableSince));
      waitMs = Math.min(waitMs ?? left, left);
    }
  }
  rememberObservations(ledger, job.id, seen);
  return waitMs === undefined ? { files: ready, notices } : { files: ready, notices, waitMs };
}

/** Two looks at the same moment prove nothing. */
const MIN_WAIT_MS = 50;

/** With `take: copy` an input stays in the inbox while it is worked on. */
function isSameSighting(processing: Processing | undefined, file: RemoteFile): boolean {
  if (processing === undefined) return false;
  // Once it was renamed away, whatever has its name in the inbox is another file, however alike.
  if (processing.takenPath !== processing.inboxPath && processing.state !== 'taking') return false;
  return processing.size === file.size && processing.mtime === file.mtime;
}

/**
 * Plans to take a file out of the partner's reach, by renaming it to `processing/<name>.<id>`. The plan is in the ledger
 * first, so that a crash in between is found by the next start.
 */
export function planToTake(ctx: RunContext, file: RemoteFile, definitionId: number): Processing {
  const { job, ledger } = ctx;
  const copy = job.source.take === 'copy';
  const processing = openProcessing(ledger, {
    job: job.id,
    runId: ctx.run,
    definitionId,
    destinationId: ctx.destinationId,
    name: file.name,
    inboxPath: file.path,
    size: file.size,
    mtime: file.mtime,
    now: ctx.io.now(),
    takenPath: (id) => (copy ? file.path : `${job.source.processing}/${file.name}.${ledger.id}-${id}`),
  });
  ctx.crashPoint('taking');
  return processing;
}

/** Opens a processing for a local file that was named on the command line. */
export async function takeLocalFile(ctx: RunContext, path: string, definitionId: number): Promise<Processing> {
  const { size, mtimeMs } = await statLocal(path);
  const processing = openProcessing(ctx.ledger, {
    job: ctx.job.id,
    runId: ctx.run,
    definitionId,
    destinationId: ctx.destinationId,
    name: basename(path),
    inboxPath: LOCAL + path,
    size,
    mtime: Math.trunc(mtimeMs),
    now: ctx.io.now(),
    takenPath: () => LOCAL + path,
  });
  return updateProcessing(ctx.ledger, processing.id, { state: 'taken' });
}

async function statLocal(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw new TransferError('NO_SUCH_FILE', `there is no readable file ${path}`, {
      cause: error,
      hint: 'give the path of a local file',
    });
  }
}

/** Takes a file as planned, also after a crash in the middle of it. `undefined`: it was gone. */
export async function takeAgain(ctx: RunContext, processing: Processing): Promise<Processing | undefined> {
  const { ledger, remote } = ctx;
  if (processing.takenPath !== processing.inboxPath) {
    await remote.ensureFolder(ctx.job.source.processing);
    try {
      await remote.move(processing.inboxPath, processing.takenPath);
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'FILE_VANISHED') throw withCopyHint(error);
      updateProcessing(ledger, processing.id, { state: 'vanished' });
      return undefined;
    }
  }
  ctx.crashPoint('taken');
  const taken = await remote.stat(processing.takenPath);
  if (!taken) {
    updateProcessing(ledger, processing.id, { state: 'vanished' });
    return undefined;
  }
  return updateProcessing(ledger, processing.id, { state: 'taken', size: taken.size, mtime: taken.mtime });
}

function withCopyHint(error: unknown): unknown {
  if (!(error instanceof TransferError) || error.retryable) return error;
  return new TransferError(error.code, error.message, {
    cause: error,
    hint: `${error.hint ? `${error.hint}; ` : ''}where the server lets nobody rename in the inbox, set source.take: copy`,
  });
}
