import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { TransferError } from '../model.ts';
import { problemOf, publishFailed, STATUS, statusOf, wrongSize } from './errors.ts';
import { kindOf, lstatSftp } from './listing.ts';
import { shown } from './names.ts';
import type { LocalFile } from './publish.ts';
import type { Session } from './session.ts';

/** Small, so that even a very slow line gives a sign of progress within the stall timeout. */
const CHUNK = 32 * 1024;
const IN_FLIGHT = 32;
/** Read from our own disk at once. */
const BLOCK = 256 * 1024;

/**
 * Writes a whole file under its temporary name: many requests in flight, flushed where the server offers it, its size
 * looked at. Any refused write, flush or close fails it: a server with a full disk must not look like success.
 */
export async function uploadSftp(session: Session, temporary: string, local: LocalFile): Promise<void> {
  const doing = `write ${shown(temporary)}`;
  const handle = await createExclusive(session, temporary, doing);
  let closed = false;
  try {
    await sendAll(session, handle, local, doing);
    await flush(session, handle, doing);
    closed = true;
    await session.run(doing, (sftp, done) => sftp.close(handle, done));
  } catch (error) {
    if (!closed && session.broken === undefined) {
      await session.run(doing, (sftp, done) => sftp.close(handle, done)).catch(() => {});
    }
    throw publishFailed(error, temporary);
  }
  const attrs = await lstatSftp(session, temporary);
  if (attrs?.size !== local.size) throw wrongSize(temporary, attrs?.size ?? 0, local.size);
}

/** Never opens what is there: a link planted under this name would lead our bytes elsewhere. */
async function createExclusive(session: Session, path: string, doing: string): Promise<Buffer> {
  const create = () => session.call<Buffer>(doing, (sftp, done) => sftp.open(path, 'wx', { mode: 0o644 }, done));
  try {
    return await create();
  } catch (error) {
    if (session.broken !== undefined) throw session.broken;
    const leftover = await lstatSftp(session, path);
    const kind = kindOf(leftover?.mode);
    if (leftover === undefined || kind === 'folder') throw publishFailed(error, path);
    await removeSftp(session, path);
    return create().catch((again) => {
      throw publishFailed(again, path);
    });
  }
}

async function sendAll(session: Session, handle: Buffer, local: LocalFile, doing: string): Promise<void> {
  const source = await open(local.path, 'r');
  const hash = createHash('sha256');
  const chunk = Math.min(CHUNK, session.lengths.write);
  let failure: unknown;
  let inFlight = 0;
  let wake: (() => void) | undefined;
  const fail = (error: unknown) => {
    failure ??= error;
    wake?.();
  };
  const transfer = session.transfer(doing, fail);
  const send = (block: Buffer, at: number, length: number, position: number) => {
    inFlight++;
    session.sftp.write(handle, block, at, length, position, (error) => {
      inFlight--;
      transfer.moved();
      if (error) fail(session.broken ?? error);
      else wake?.();
    });
  };
  const untilBelow = async (limit: number) => {
    while (failure === undefined && inFlight > limit) {
      transfer.waiting(true);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    transfer.waiting(false);
    if (failure !== undefined) throw failure;
  };
  try {
    let position = 0;
    for (;;) {
      const block = Buffer.allocUnsafeSlow(BLOCK);
      const { bytesRead } = await source.read(block, 0, BLOCK, position);
      if (bytesRead === 0) break;
      hash.update(block.subarray(0, bytesRead));
      await untilBelow(IN_FLIGHT - BLOCK / CHUNK);
      const start = position;
      transfer.together(() => {
        for (let at = 0; at < bytesRead; at += chunk) send(block, at, Math.min(chunk, bytesRead - at), start + at);
      });
      position += bytesRead;
    }
    await untilBelow(0);
    checkSource(local, position, hash.digest('hex'));
  } finally {
    transfer.end();
    await source.close();
  }
}

/** What was to be published and what is on our own disk must be the same. */
export function checkSource(local: LocalFile, size: number, sha256: string): void {
  if (size === local.size && sha256 === local.sha256) return;
  throw new TransferError(
    'LOCAL_CHANGED',
    `${shown(local.path)} has ${size} bytes and sha256 ${sha256}, expected ${local.size} and ${local.sha256}; nothing was published`,
    { retryable: true, hint: 'something else writes to the staging folder' },
  );
}

async function flush(session: Session, handle: Buffer, doing: string): Promise<void> {
  try {
    await session.run(doing, (sftp, done) => sftp.ext_openssh_fsync(handle, done));
  } catch (error) {
    if (!isNotOffered(error)) throw error;
  }
}

/** ssh2 throws for an extension that the server did not advertise; a server may also take its advertisement back. */
export function isNotOffered(error: unknown): boolean {
  if (statusOf(error) === STATUS.unsupported) return true;
  return error instanceof Error && /does not support this extended request/.test(error.message);
}

/** Absent is success. */
export async function removeSftp(session: Session, path: string): Promise<void> {
  const doing = `remove ${shown(path)}`;
  try {
    await session.run(doing, (sftp, done) => sftp.unlink(path, done));
  } catch (error) {
    if (statusOf(error) === STATUS.noSuchFile) return;
    throw problemOf(error, doing);
  }
}
