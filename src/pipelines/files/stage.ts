import { createHash } from 'node:crypto';
import { constants, existsSync, statSync } from 'node:fs';
import { access, chmod, type FileHandle, mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Definition } from '../../jobs/definition.ts';
import { claimFile, type Processing } from '../../ledger/processings.ts';
import { FileRefused, type Io, type RefusalDetail, type RemoteFile, TransferError } from '../../model.ts';
import { isPacked, readPlaintext } from '../../parsing/plaintext.ts';
import { checkChecksum, fetchManifest } from './companions.ts';
import { type RunContext, stagedPaths } from './context.ts';
import { disagreementIn } from './disagreement.ts';
import { localBytes } from './local-bytes.ts';
import { stagedFile } from './staged-file.ts';

/** What was staged. `known`: the first processing of the same contents; `refusal`: the contents cannot even be unpacked. */
export interface Staged {
  processing: Processing;
  known?: Processing;
  refusal?: RefusalDetail;
}

/** Downloads a taken file once to private staging, hashes it, and claims its contents in the ledger. */
export async function stageFile(ctx: RunContext, processing: Processing, definition: Definition): Promise<Staged> {
  const paths = stagedPaths(ctx.staging, processing.id);
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  await refuseLackOfRoom(ctx.staging, processing);
  const rawSha256 = await download(ctx, processing, paths.input);
  ctx.crashPoint('staged');
  const { sha256, bytes, ...unpacked } = await identityOf(ctx, paths.input, processing, definition, rawSha256);
  const refusal = unpacked.refusal ?? (await refusalByManifest(ctx, processing, definition, rawSha256));
  const claimed = claimFile(ctx.ledger, processing, { sha256, rawSha256, bytes }, ctx.io.now());
  ctx.crashPoint('claimed-file');
  return refusal ? { ...claimed, refusal } : claimed;
}

/** The file itself, its index and its results take about so many times its size; what is packed takes more. */
const ROOM = 3;

const MAKE_ROOM =
  'make room, or point REFERRY_STATE at a larger disk; nothing is lost, and the next run goes on from here';

/** Filled up half way, the disk would have no room for the ledger either, and stop the other jobs. */
async function refuseLackOfRoom(staging: string, { name, size }: Processing): Promise<void> {
  const { bavail, bsize } = await statfs(staging);
  const free = bavail * bsize;
  if (free >= size * ROOM) return;
  throw new TransferError(
    'STAGING_FULL',
    `${name} has ${size} bytes and takes about ${size * ROOM} in ${staging}, where ${free} bytes are free`,
    { retryable: true, hint: MAKE_ROOM },
  );
}

async function refusalByManifest(
  ctx: RunContext,
  processing: Processing,
  definition: Definition,
  rawSha256: string,
): Promise<RefusalDetail | undefined> {
  const paths = stagedPaths(ctx.staging, processing.id);
  try {
    await fetchManifest(ctx, processing, definition, paths.manifest);
    // Where a file that disagrees is held, the check of its rows finds it again.
    await disagreementIn(definition, () => checkChecksum(paths, definition, processing.name, rawSha256));
    return undefined;
  } catch (error) {
    if (error instanceof FileRefused) return error;
    throw error;
  }
}

/**
 * Fetches a staged file again that is gone from the staging folder (the ledger was restored without it, somebody cleaned
 * up), from where the input lies now. Only the same bytes are good enough.
 */
export async function restageFile(ctx: RunContext, processing: Processing, target: string): Promise<void> {
  if (existsSync(target) || processing.rawSha256 === null) return;
  const place = processing.archivedAs || processing.takenPath;
  const lost = (what: string): TransferError =>
    new TransferError('STAGED_FILE_LOST', `the staged copy of ${processing.name} is gone, and ${what}`, {
      hint: `put the file back as ${place}; its rows wait until then`,
    });
  const there = place.startsWith(LOCAL) ? await localFile(place.slice(LOCAL.length)) : await ctx.remote.stat(place);
  if (!there) throw lost(`there is no ${place}`);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const sha256 = place.startsWith(LOCAL)
    ? await stageBytes(localBytes(there.path), there, target, () => {})
    : await fetchBytes(ctx, there, target);
  if (sha256 === processing.rawSha256) return;
  await rm(target);
  throw lost(`${place} has other contents by now`);
}

/** The staged copy of a file is gone, and the input is not where it was left. */
export function lostInput(name: string, place: string): TransferError {
  return new TransferError(
    'STAGED_FILE_LOST',
    `the staged copy of ${name} is gone, and there is no ${place || 'other copy'}`,
    {
      hint: place === '' ? 'put the file in the inbox again' : `put the file back as ${place}`,
    },
  );
}

/** A pass that judges the same contents anew starts from the staged copy of the earlier one, where that is still there. */
export async function copyStaged(from: string, to: string): Promise<void> {
  if (existsSync(to) || !existsSync(from)) return;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const { size } = await stat(from);
  await stageBytes(localBytes(from), { name: basename(from), size }, to, () => {});
}

/** `undefined`: there is none that can be read. */
export async function localFile(path: string): Promise<RemoteFile | undefined> {
  const found = await access(path, constants.R_OK)
    .then(() => stat(path))
    .catch(() => undefined);
  return found?.isFile()
    ? { path, name: basename(path), size: found.size, mtime: Math.trunc(found.mtimeMs) }
    : undefined;
}

/** A file is its contents, unpacked: packing the same rows again makes no new file. */
async function identityOf(
  ctx: RunContext,
  path: string,
  processing: Processing,
  definition: Definition,
  rawSha256: string,
): Promise<{ sha256: string; bytes: number; refusal?: RefusalDetail }> {
  const staged = stagedFile(ctx, definition, path, processing.name);
  const raw = { sha256: rawSha256, bytes: statSync(path).size };
  if (!(await isPacked(staged))) return raw;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of readPlaintext(staged, definition.file)) {
      hash.update(chunk);
      bytes += chunk.length;
    }
  } catch (error) {
    if (error instanceof FileRefused) return { ...raw, refusal: error };
    throw error;
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function download(ctx: RunContext, processing: Processing, target: string): Promise<string> {
  const { name, size, mtime, takenPath } = processing;
  if (takenPath.startsWith(LOCAL) && !(await localFile(takenPath.slice(LOCAL.length))))
    throw new TransferError('FILE_VANISHED', `${takenPath.slice(LOCAL.length)} is gone, or cannot be read any more`, {
      hint: 'give it again with --file',
    });
  const tell = (done: number): void =>
    ctx.progress({ file: name, phase: 'downloading', done, total: size, unit: 'bytes' });
  return takenPath.startsWith(LOCAL)
    ? stageBytes(localBytes(takenPath.slice(LOCAL.length)), { name, size }, target, tell)
    : fetchBytes(ctx, { path: takenPath, name, size, mtime }, target, tell);
}

const FETCH_TRIES = 3;
const FETCH_PAUSE_MS = 2000;

/** Downloads a file of the remote to private staging, from its start again where the connection is lost on the way. Returns its sha256. */
export async function fetchBytes(
  ctx: RunContext,
  file: RemoteFile,
  target: string,
  tell: (done: number) => void = () => {},
): Promise<string> {
  for (let tries = 1; ; tries++) {
    try {
      return await stageBytes(ctx.remote.read(file, ctx.signal), file, target, tell);
    } catch (error) {
      const lost = error instanceof TransferError && /^SFTP_(?:DISCONNECTED|STALLED)$/.test(error.code);
      if (!lost || tries >= FETCH_TRIES || ctx.signal.aborted) throw error;
      ctx.io.log.warn(
        { job: ctx.job.id, file: file.name, code: error.code, tries },
        `${error.message}; it is read again`,
      );
      await ctx.io.sleep(FETCH_PAUSE_MS * tries * (0.5 + ctx.io.random() / 2), ctx.signal);
    }
  }
}

/** A local file given on the command line is read where it is and stays there; its path is kept with this before it. */
export const LOCAL = 'local:';

/**
 * The staging folder is private: one that is open to others, as a copy of a state folder may be, is made 0700. Throws
 * `STAGING_OPEN_TO_OTHERS` where it belongs to somebody else.
 */
export async function closeStaging(folder: string, io: Pick<Io, 'log'>): Promise<void> {
  const mode = ((await stat(folder).catch(() => undefined))?.mode ?? 0) & 0o777;
  if ((mode & 0o077) === 0) return;
  const was = `the staging folder ${folder} was open to other users (mode ${mode.toString(8)})`;
  await chmod(folder, 0o700).catch((cause: unknown) => {
    throw new TransferError('STAGING_OPEN_TO_OTHERS', `${was}, and it is not ours to close`, {
      hint: `as the user that owns it: chmod 700 ${folder}`,
      cause,
    });
  });
  io.log.warn({ folder }, `${was}; it has mode 700 now`);
}

/** Writes a file of a known size to private staging, whole or not at all, and returns the sha256 of its bytes in hex. */
export async function stageBytes(
  bytes: AsyncIterable<Uint8Array>,
  file: { name: string; size: number },
  target: string,
  tell: (done: number) => void,
): Promise<string> {
  const part = `${target}.part`;
  const hash = createHash('sha256');
  let done = 0;
  const handle = await open(part, 'w', 0o600);
  try {
    for await (const chunk of bytes) {
      hash.update(chunk);
      await writeAll(handle, chunk);
      done += chunk.length;
      tell(done);
    }
    await handle.sync();
  } catch (error) {
    await rm(part, { force: true });
    throw stagingProblem(error, dirname(target));
  } finally {
    await handle.close();
  }
  if (done !== file.size) {
    await rm(part, { force: true });
    throw new TransferError('FILE_CHANGED', `${file.name}: ${done} bytes came, ${file.size} were announced`, {
      retryable: true,
      hint: 'the file is read again by the next run',
    });
  }
  await rename(part, target);
  await syncFolder(dirname(target));
  return hash.digest('hex');
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written)).bytesWritten;
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the disk of the staging folder says when a file cannot be written or read there. */
const DISK = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENODEV']);

/** A failure of this machine's disk as a problem with a remedy; any other error as it is. Problems of remotes have codes already. */
export function stagingProblem(error: unknown, state: string): unknown {
  if (error instanceof TransferError || !(error instanceof Error) || !('syscall' in error) || !('code' in error))
    return error;
  const code = String(error.code);
  if (!DISK.has(code)) return error;
  const full = code === 'ENOSPC' || code === 'EDQUOT';
  return new TransferError(
    full ? 'STAGING_FULL' : 'STAGING_FAILED',
    full ? `no room on the disk of ${state}` : `the disk of ${state} failed: ${error.message}`,
    {
      retryable: true,
      cause: error,
      hint: full
        ? MAKE_ROOM
        : 'look at that disk and at the rights on the folder; nothing is lost, and the next run goes on from here',
    },
  );
}

/** Removes what an earlier processing of the same contents has already. */
export async function dropStaged(ctx: RunContext, processing: Processing): Promise<void> {
  const { folder } = stagedPaths(ctx.staging, processing.id);
  if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
}
