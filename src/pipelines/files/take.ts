import { constants, type Stats } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { observationsOf, rememberObservations, type SeenFile } from '../../ledger/observations.ts';
import { openProcessing, openProcessings, type Processing, updateProcessing } from '../../ledger/processings.ts';
import { type Notice, type RemoteFile, TransferError } from '../../model.ts';
import { fittingName, shown } from '../../remotes/names.ts';
import { hasMarker, isBeingWritten, judgeStability, markerFor } from '../../remotes/stable.ts';
import { type Beside, besideOf, planCompanions, takeCompanions } from './companions.ts';
import type { RunContext } from './context.ts';
import { inTurn } from './in-turn.ts';
import { calledByHand, calledIn, inputsOf, listInbox } from './inbox.ts';
import { noteOrigin } from './origin.ts';
import { LOCAL } from './stage.ts';
import { noteChanged } from './stand-still.ts';

/** A file that is ready, and what lies beside it and belongs to it. */
export interface Found {
  file: RemoteFile;
  beside: Beside;
}

/**
 * Files of the inbox that match, have stopped changing and are not being worked on, oldest first. `waitMs`: when another look
 * would find more.
 */
export async function findFiles(ctx: RunContext): Promise<{ files: Found[]; notices: Notice[]; waitMs?: number }> {
  const { job, ledger, io } = ctx;
  const { source } = job;
  const { folders, notices } = await listInbox(ctx.remote, job, ctx.signal);
  const isInput = inputsOf(job);
  const before = observationsOf(ledger, job.id);
  const seen = new Map<string, SeenFile>();
  const inWork = new Map(openProcessings(ledger, job.id).map((each) => [each.inboxPath, each]));
  const now = io.now();
  const ready: Found[] = [];
  const awaited: RemoteFile[] = [];
  let waitMs: number | undefined;

  /** Whether a file's manifest is there and has stopped changing, or was waited for long enough. */
  const manifestCame = (manifest: RemoteFile | undefined, completeSince: number): boolean => {
    if (!manifest) return now - completeSince >= (source.manifest?.wait ?? 0);
    const look = judgeStability(before.get(manifest.path), manifest, now, source.stable.for);
    seen.set(manifest.path, look.observation);
    if (!look.stable) waitMs = Math.min(waitMs ?? source.stable.for, Math.max(MIN_WAIT_MS, source.stable.for));
    return look.stable;
  };

  for (const each of folders) {
    const byName = new Map(each.files.map((file) => [file.name, file]));
    const names = new Set(byName.keys());
    for (const file of each.files) {
      if (!isInput(file.name)) continue;
      if (file.size > source.maxSize) {
        notices.push(tooLarge({ ...file, name: calledIn(each, file.name) }, source.maxSize));
        continue;
      }
      const { observation, stable } = judgeStability(before.get(file.path), file, now, source.stable.for);
      seen.set(file.path, observation);
      const beside = besideOf(job, file.name, byName);
      const marker = source.stable.marker;
      const complete =
        marker === undefined ? stable && !isBeingWritten(file.name, names) : hasMarker(file.name, marker, names);
      if (isSameSighting(inWork.get(file.path), file, observation)) continue;
      const waits =
        complete && source.manifest !== undefined && !manifestCame(beside.manifest, observation.stableSince);
      if (waits && source.manifest)
        notices.push({
          code: 'MANIFEST_AWAITED',
          message: `${calledIn(each, file.name)} waits for its manifest, ${markerFor(file.name, source.manifest.name)}`,
        });
      const called = { ...file, name: calledIn(each, file.name) };
      if (complete && !waits) ready.push({ file: called, beside });
      else awaited.push(called);
      if (marker === undefined && !complete) {
        const left = Math.max(MIN_WAIT_MS, source.stable.for - (now - observation.stableSince));
        waitMs = Math.min(waitMs ?? left, left);
      }
    }
  }
  rememberObservations(ledger, job.id, seen);
  const places = inTurn(
    job,
    ready.map(({ file }) => file),
    awaited,
  );
  notices.push(...places.notices);
  const found = new Map(ready.map((each) => [each.file.path, each]));
  const files = places.files.flatMap(({ path }) => found.get(path) ?? []);
  return waitMs === undefined ? { files, notices } : { files, notices, waitMs };
}

/** It is left where it is: fetching it might fill the disk that every job needs. */
function tooLarge({ name, size }: RemoteFile, most: number): Notice {
  const message = `${shown(name)} was not taken: it has ${size} bytes, and source.maxSize allows ${most}`;
  return { code: 'FILE_TOO_LARGE', message };
}

/** Two looks at the same moment prove nothing. */
const MIN_WAIT_MS = 50;

/** With `take: copy` an input stays in the inbox while it is worked on. */
function isSameSighting(
  processing: Processing | undefined,
  file: RemoteFile,
  { stableSince }: Pick<SeenFile, 'stableSince'>,
): boolean {
  if (processing === undefined) return false;
  // Once it was renamed away, whatever has its name in the inbox is another file, however alike.
  if (processing.takenPath !== processing.inboxPath && processing.state !== 'taking') return false;
  // Some servers tell another time in a listing than of the file itself: then it is the listing's that must not have changed since.
  return processing.size === file.size && (processing.mtime === file.mtime || stableSince <= processing.openedAt);
}

/**
 * Plans to take a file out of the partner's reach, by renaming it to `processing/<name>.<id>`. The plan is in the ledger
 * first, so that a crash in between is found by the next start.
 */
export function planToTake(ctx: RunContext, { file, beside }: Found, definitionId: number): Processing {
  const { job, ledger } = ctx;
  const copy = job.source.take === 'copy';
  const plan = {
    job: job.id,
    runId: ctx.run,
    definitionId,
    destinationId: ctx.destinationId,
    name: file.name,
    inboxPath: file.path,
    size: file.size,
    mtime: file.mtime,
    now: ctx.io.now(),
    takenPath: (id: number) =>
      copy ? file.path : `${job.source.processing}/${fittingName(file.name)}.${ledger.id}-${id}`,
  };
  const processing = ledger.db
    .transaction(() => {
      const opened = openProcessing(ledger, plan);
      planCompanions(ctx, opened, beside);
      return opened;
    })
    .immediate();
  ctx.crashPoint('taking');
  return processing;
}

/** Opens a processing for a local file that was named on the command line, or that the run has made. */
export async function takeLocalFile(
  ctx: RunContext,
  path: string,
  definitionId: number,
  name = calledByHand(ctx.job, path),
): Promise<Processing> {
  const { size, mtimeMs } = await checkLocal(path);
  const processing = openProcessing(ctx.ledger, {
    job: ctx.job.id,
    runId: ctx.run,
    definitionId,
    destinationId: ctx.destinationId,
    name,
    inboxPath: LOCAL + path,
    size,
    mtime: Math.trunc(mtimeMs),
    now: ctx.io.now(),
    takenPath: () => LOCAL + path,
  });
  await noteOrigin(ctx, processing);
  return updateProcessing(ctx.ledger, processing.id, { state: 'taken' });
}

/** Before anything is planned: what cannot be read would be tried by each run to come. */
async function checkLocal(path: string): Promise<Stats> {
  try {
    await access(path, constants.R_OK);
    const found = await stat(path);
    if (found.isFile()) return found;
  } catch (error) {
    throw noSuchFile(path, error);
  }
  throw noSuchFile(path);
}

function noSuchFile(path: string, cause?: unknown): TransferError {
  return new TransferError('NO_SUCH_FILE', `there is no file ${path} that the process that runs the job may read`, {
    cause,
    hint: 'give the path of a local file; where the daemon runs the job, its user must be allowed to read it',
  });
}

/**
 * Takes a file as planned, also after a crash in the middle of it. `undefined`: it was gone, or it is another one by now, for
 * which to stand still begins anew.
 */
export async function takeAgain(ctx: RunContext, processing: Processing): Promise<Processing | undefined> {
  const { ledger, remote } = ctx;
  const { inboxPath, takenPath } = processing;
  const here = inboxPath.startsWith(LOCAL) ? undefined : await remote.stat(inboxPath);
  const asPlanned = here !== undefined && (isAsListed(here, processing) || (await isListedStill(ctx, processing)));
  const before = takenPath === inboxPath ? undefined : await remote.stat(takenPath);
  if (!before && !asPlanned) {
    updateProcessing(ledger, processing.id, { state: 'vanished' });
    return undefined;
  }
  if (takenPath !== inboxPath && asPlanned) {
    await remote.ensureFolder(ctx.job.source.processing);
    try {
      await remote.move(inboxPath, takenPath);
    } catch (error) {
      // Where it was taken before, what has its name in the inbox is another file.
      if (!before && (!(error instanceof TransferError) || error.code !== 'FILE_VANISHED')) throw withCopyHint(error);
    }
  }
  await takeCompanions(ctx, processing);
  ctx.crashPoint('taken');
  const taken = await remote.stat(takenPath);
  if (!taken) {
    updateProcessing(ledger, processing.id, { state: 'vanished' });
    return undefined;
  }
  if (taken.size !== processing.size) {
    updateProcessing(ledger, processing.id, { size: taken.size, mtime: taken.mtime });
    noteChanged(ctx, processing);
    throw new TransferError('FILE_CHANGED', `${processing.name} changed while it was taken`, {
      retryable: true,
      hint: 'the next run takes it if it stands still',
    });
  }
  return updateProcessing(ledger, processing.id, { state: 'taken', mtime: taken.mtime });
}

/** Half of what a partner writes anew must not be taken for what was seen whole. */
function isAsListed(file: RemoteFile, { size, mtime }: Processing): boolean {
  return file.size === size && (file.mtime === mtime || file.mtime === 0 || mtime === 0);
}

/** Some servers tell another time in a listing than of the file itself: then the listing is what counts. */
async function isListedStill({ remote, signal }: RunContext, processing: Processing): Promise<boolean> {
  const { files } = await remote.list(dirname(processing.inboxPath), signal);
  return files.some((file) => file.path === processing.inboxPath && isAsListed(file, processing));
}

function withCopyHint(error: unknown): unknown {
  if (!(error instanceof TransferError) || error.retryable) return error;
  return new TransferError(error.code, error.message, {
    cause: error,
    hint: `${error.hint ? `${error.hint}; ` : ''}where the server lets nobody rename in the inbox, set source.take: copy`,
  });
}
