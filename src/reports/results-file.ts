import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { startEncryption } from './encrypt.ts';
import type { LineSink, ResultRow, ResultsFormat } from './results.ts';

/** A finished local file, as `Remote.publish` takes it. `lines` counts rows, not the header. */
export interface ResultsSummary {
  path: string;
  size: number;
  sha256: string;
  lines: number;
  /** Of an encrypted file: the hash of what it holds. Encrypting that again gives other bytes. */
  plainSha256?: string;
}

/** Writes results lines to a local file. One writer, lines in the order of `add`. */
export interface ResultsWriter {
  /** Takes the line into memory; returns at once. */
  add(row: ResultRow, raw: Buffer | string): void;
  /** Writes what has piled up. Await it once a batch, so that memory stays bounded by the batch. */
  flush(): Promise<void>;
  /** Writes the rest and closes the file. */
  finish(): Promise<ResultsSummary>;
  /** Closes and removes the file. Harmless after `finish` and when repeated; after `finish` the file stays. */
  discard(): Promise<void>;
}

const CHUNK = 1 << 18;
const LONG_TEXT = 1 << 14;
/** UTF-8 needs at most three bytes for each UTF-16 code unit. */
const MOST_BYTES_A_UNIT = 3;

/** `encryptTo`: public keys; then only encrypted bytes reach the disk. */
export async function createResultsFile(
  path: string,
  format: ResultsFormat,
  encryptTo?: readonly string[],
): Promise<ResultsWriter> {
  const handle = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  const plainHash = createHash('sha256');
  let chunk: Buffer = Buffer.allocUnsafe(CHUNK);
  let used = 0;
  let full: { buffer: Buffer; used: number }[] = [];
  /** Written buffers are used again: fresh ones would pile up until the next collection. */
  const spare: Buffer[] = [];
  let size = 0;
  let lines = 0;
  let closed = false;

  const put = async (bytes: Uint8Array): Promise<void> => {
    hash.update(bytes);
    size += bytes.length;
    await writeAll(handle, bytes);
  };
  const encryption = encryptTo === undefined ? undefined : await encrypting(handle, path, encryptTo, put);

  const makeRoom = (bytes: number): void => {
    if (used + bytes <= chunk.length) return;
    if (used > 0) full.push({ buffer: chunk, used });
    else if (chunk.length === CHUNK) spare.push(chunk);
    chunk = (bytes <= CHUNK ? spare.pop() : undefined) ?? Buffer.allocUnsafe(Math.max(CHUNK, bytes));
    used = 0;
  };
  // A line's end and the next line's beginning are written at once.
  let text = '';
  const putText = (): void => {
    makeRoom(text.length * MOST_BYTES_A_UNIT);
    used += chunk.write(text, used, 'utf8');
    text = '';
  };
  const out: LineSink = {
    text(part) {
      text += part;
    },
    bytes(part) {
      putText();
      makeRoom(part.length);
      chunk.set(part, used);
      used += part.length;
    },
  };
  const writeFull = async (): Promise<void> => {
    const ready = full;
    full = [];
    for (const { buffer, used: length } of ready) {
      const bytes = buffer.subarray(0, length);
      if (encryption) {
        plainHash.update(bytes);
        await encryption.write(bytes);
      } else await put(bytes);
      if (buffer.length === CHUNK) spare.push(buffer);
    }
  };

  out.text(format.headerLine());
  return {
    add(row, raw) {
      format.write(row, typeof raw === 'string' ? Buffer.from(raw) : raw, out);
      if (text.length > LONG_TEXT) putText();
      lines++;
    },
    async flush() {
      if (full.length > 0) await writeFull();
    },
    async finish() {
      putText();
      if (used > 0) full.push({ buffer: chunk, used });
      used = 0;
      await writeFull();
      await encryption?.end();
      if (encryption) await handle.sync();
      closed = true;
      await handle.close();
      const summary = { path, size, sha256: hash.digest('hex'), lines };
      return encryption ? { ...summary, plainSha256: plainHash.digest('hex') } : summary;
    },
    async discard() {
      if (closed) return;
      closed = true;
      await encryption?.abort();
      await handle.close();
      await rm(path, { force: true });
    },
  };
}

/**
 * Gives an encrypted results file the name of what it holds. Where the same contents were encrypted before, that file stands
 * in for the new one: a publication that was interrupted goes on with the very same bytes.
 */
export async function keepEncrypted(results: ResultsSummary): Promise<ResultsSummary> {
  if (results.plainSha256 === undefined) return results;
  const path = `${results.path}.${results.plainSha256.slice(0, 16)}.pgp`;
  const before = await stat(path).catch(() => undefined);
  if (before === undefined) {
    await rename(results.path, path);
    return { ...results, path };
  }
  await rm(results.path, { force: true });
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { ...results, path, size: before.size, sha256: hash.digest('hex') };
}

async function encrypting(
  handle: FileHandle,
  path: string,
  keys: readonly string[],
  put: (bytes: Uint8Array) => Promise<void>,
): ReturnType<typeof startEncryption> {
  try {
    return await startEncryption(keys, put);
  } catch (error) {
    await handle.close();
    await rm(path, { force: true });
    throw error;
  }
}

/** `write` may take less than it was given, on a full disk for one; the next call then says why. */
async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}
