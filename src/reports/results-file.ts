import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { LineSink, ResultRow, ResultsFormat } from './results.ts';

/** A finished local file, as `Remote.publish` takes it. `lines` counts rows, not the header. */
export interface ResultsSummary {
  path: string;
  size: number;
  sha256: string;
  lines: number;
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

export async function createResultsFile(path: string, format: ResultsFormat): Promise<ResultsWriter> {
  const handle = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  let chunk: Buffer = Buffer.allocUnsafe(CHUNK);
  let used = 0;
  let full: { buffer: Buffer; used: number }[] = [];
  /** Written buffers are used again: fresh ones would pile up until the next collection. */
  const spare: Buffer[] = [];
  let size = 0;
  let lines = 0;
  let closed = false;

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
      hash.update(bytes);
      size += length;
      await writeAll(handle, bytes);
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
      closed = true;
      await handle.close();
      return { path, size, sha256: hash.digest('hex'), lines };
    },
    async discard() {
      if (closed) return;
      closed = true;
      await handle.close();
      await rm(path, { force: true });
    },
  };
}

/** `write` may take less than it was given, on a full disk for one; the next call then says why. */
async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
}
