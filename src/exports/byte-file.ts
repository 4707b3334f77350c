import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';

/** A file that was written, as `Remote.publish` takes it. */
export interface WholeFile {
  path: string;
  name: string;
  size: number;
  sha256: string;
}

/** Bytes on their way to a local file. What is added stays in memory until `flush`. */
export interface ByteFile {
  /** Bytes added so far. */
  readonly size: number;
  /** Bytes that are in memory. */
  readonly waiting: number;
  add(bytes: Uint8Array): void;
  /** Hands what is in memory to the disk once the disk has what was handed to it before: the next bytes may be made meanwhile. */
  flush(): Promise<void>;
  /** Writes the rest, flushes it to the disk, closes. */
  finish(): Promise<WholeFile>;
  /** Closes and removes the file. Harmless when repeated, and after `finish`. */
  discard(): Promise<void>;
}

/** Replaces what an earlier, broken pass left under that name. Readable by its owner alone. */
export async function createByteFile(path: string, name: string): Promise<ByteFile> {
  await rm(path, { force: true });
  const handle = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let size = 0;
  let closed = false;
  let writing = Promise.resolve();

  const flush = async (): Promise<void> => {
    await writing;
    if (waitingBytes === 0) return;
    const bytes = Buffer.concat(waiting, waitingBytes);
    waiting = [];
    waitingBytes = 0;
    hash.update(bytes);
    writing = writeAll(handle, bytes);
    // Whoever flushes or finishes next hears of it.
    writing.catch(() => {});
  };
  return {
    get size() {
      return size;
    },
    get waiting() {
      return waitingBytes;
    },
    add(bytes) {
      waiting.push(bytes);
      waitingBytes += bytes.length;
      size += bytes.length;
    },
    flush,
    async finish() {
      await flush();
      await writing;
      await handle.sync();
      closed = true;
      await handle.close();
      return { path, name, size, sha256: hash.digest('hex') };
    },
    async discard() {
      await writing.catch(() => {});
      if (!closed) await handle.close();
      closed = true;
      await rm(path, { force: true });
    },
  };
}

/** `write` may take less than it was given, on a full disk for one; the next call then says why. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}
