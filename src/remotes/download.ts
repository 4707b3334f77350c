import type { RemoteFile } from '../model.ts';
import { changed, notAFile, problemOf, STATUS, statusOf, vanished } from './errors.ts';
import { kindOf, lstatSftp } from './listing.ts';
import { shown } from './names.ts';
import type { Session, Transfer } from './session.ts';

/** One request as large as most servers answer it whole. */
const CHUNK = 128 * 1024;
/** What the SSH window of ssh2 lets through before the server must wait for us. */
const IN_FLIGHT = 2 * 1024 * 1024;

/**
 * Looks at the file and opens it: what can be done again on another session. The bytes then come in order, with many
 * requests in flight; at their end the file is looked at again.
 */
export async function startDownload(
  session: Session,
  file: RemoteFile,
  signal: AbortSignal,
): Promise<AsyncGenerator<Uint8Array>> {
  signal.throwIfAborted();
  await checkUnchanged(session, file, 'before');
  const handle = await session
    .call<Buffer>(`read ${shown(file.path)}`, (sftp, done) => sftp.open(file.path, 'r', done))
    .catch((error) => {
      throw statusOf(error) === STATUS.noSuchFile ? vanished(file.path) : problemOf(error, `read ${shown(file.path)}`);
    });
  return readOpened(session, handle, file, signal);
}

async function* readOpened(
  session: Session,
  handle: Buffer,
  file: RemoteFile,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* readRange(session, handle, file, signal);
    await checkEnd(session, handle, file);
  } finally {
    if (session.broken === undefined) {
      await session.run(`close ${shown(file.path)}`, (sftp, done) => sftp.close(handle, done)).catch(() => {});
    }
  }
  await checkUnchanged(session, file, 'after');
}

async function checkUnchanged(session: Session, file: RemoteFile, when: 'before' | 'after'): Promise<void> {
  const attrs = await lstatSftp(session, file.path);
  if (attrs === undefined) throw vanished(file.path);
  const kind = kindOf(attrs.mode);
  if (kind !== undefined && kind !== 'file')
    throw notAFile(file.path, kind === 'link' ? 'a symbolic link' : `a ${kind}`);
  if (attrs.size !== undefined && attrs.size !== file.size) {
    throw changed(file.path, `${attrs.size} bytes ${when} reading, ${file.size} when it was listed`);
  }
  const mtime = (attrs.mtime ?? 0) * 1000;
  if (file.mtime !== 0 && mtime !== 0 && mtime !== file.mtime) {
    throw changed(file.path, `modified at ${isoTime(mtime)}, listed with ${isoTime(file.mtime)}`);
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Some servers keep old attributes for a while: the byte after the last one must not exist. */
async function checkEnd(session: Session, handle: Buffer, file: RemoteFile): Promise<void> {
  const doing = `read ${shown(file.path)}`;
  const one = Buffer.alloc(1);
  const found = await session
    .call<number>(doing, (sftp, done) => sftp.read(handle, one, 0, 1, file.size, done))
    .catch((error) => {
      throw problemOf(error, doing);
    });
  if (found > 0) throw changed(file.path, `it is longer than the ${file.size} bytes it was listed with`);
}

interface Slot {
  offset: number;
  buffer: Buffer;
  filled: number;
}

async function* readRange(
  session: Session,
  handle: Buffer,
  file: RemoteFile,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunk = Math.min(CHUNK, session.lengths.read);
  const depth = Math.max(16, Math.ceil(IN_FLIGHT / chunk));
  const slots: Slot[] = [];
  let next = 0;
  let failure: unknown;
  let wake: (() => void) | undefined;

  function fail(error: unknown): void {
    failure ??= error;
    wake?.();
  }

  function ask(slot: Slot): void {
    session.sftp.read(
      handle,
      slot.buffer,
      slot.filled,
      slot.buffer.length - slot.filled,
      slot.offset + slot.filled,
      (error, count) => {
        if (error) {
          fail(session.broken ?? problemOf(error, `read ${shown(file.path)}`));
          return;
        }
        if (count === 0) {
          fail(changed(file.path, `it ends after ${slot.offset + slot.filled} bytes, listed with ${file.size}`));
          return;
        }
        transfer.moved();
        slot.filled += count;
        // A server may answer with less than was asked for: the rest is asked for again.
        if (slot.filled < slot.buffer.length && failure === undefined) ask(slot);
        else if (slot === slots[0]) wake?.();
      },
    );
  }

  const transfer: Transfer = session.transfer(`read ${shown(file.path)}`, fail);
  const onAbort = () => fail(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      while (slots.length < depth && next < file.size && failure === undefined) {
        // Not from the pool: the chunk belongs to whoever reads it.
        const slot: Slot = {
          offset: next,
          buffer: Buffer.allocUnsafeSlow(Math.min(chunk, file.size - next)),
          filled: 0,
        };
        next += slot.buffer.length;
        slots.push(slot);
        transfer.together(() => ask(slot));
      }
      const head = slots[0];
      if (head === undefined && failure === undefined) return;
      while (failure === undefined && head !== undefined && head.filled < head.buffer.length) {
        transfer.waiting(true);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      transfer.waiting(false);
      if (failure !== undefined) throw failure;
      slots.shift();
      if (head !== undefined) yield head.buffer;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    transfer.end();
  }
}
