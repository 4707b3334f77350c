import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { FileRefused } from '../model.ts';
import type { FileSettings, StagedFile } from './settings.ts';

const CHUNK = 128 * 1024;
/** Below this much text the ratio says nothing: a short file of blanks compresses 1000 times and harms nobody. */
const RATIO_COUNTS_FROM = 1024 * 1024;

/** Whether the file is gzip by its first bytes, whatever its name. */
export async function isGzip(staged: StagedFile): Promise<boolean> {
  const head = await readAt(staged.path, 0, 3);
  return head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b;
}

/**
 * The bytes after decompression and before decoding: what a file's identity is the hash of. `range.start` skips that
 * many of them. Throws `FileRefused` (GZIP_TRUNCATED, GZIP_CORRUPT, DECOMPRESSION_BOMB), the first two only after all
 * readable bytes were given out: nothing read here counts before the end was reached.
 */
export async function* readPlaintext(
  staged: StagedFile,
  settings: FileSettings,
  range: { start: number } = { start: 0 },
): AsyncGenerator<Buffer> {
  if (!(await isGzip(staged))) {
    yield* createReadStream(staged.path, { start: range.start, highWaterMark: CHUNK });
    return;
  }
  let skip = range.start;
  for await (const chunk of gunzip(staged.path, settings)) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  }
}

async function* gunzip(path: string, settings: FileSettings): AsyncGenerator<Buffer> {
  const { ratio, decompressed } = settings.limits;
  const file = createReadStream(path, { highWaterMark: CHUNK });
  const stream = createGunzip({ chunkSize: CHUNK });
  file.on('error', (error) => stream.destroy(error));
  file.pipe(stream);
  let produced = 0;
  try {
    for await (const chunk of stream) {
      produced += chunk.length;
      if (produced > decompressed) throw bomb(`more than ${decompressed} bytes`, 'file.limits.decompressed');
      if (produced > RATIO_COUNTS_FROM && produced > ratio * file.bytesRead) {
        throw bomb(`more than ${ratio} times its compressed size`, 'file.limits.ratio');
      }
      yield chunk;
    }
  } catch (error) {
    throw asRefusal(error, produced);
  } finally {
    file.destroy();
    stream.destroy();
  }
  await checkPadding(path, stream.bytesWritten);
}

/** zlib stops silently at a zero byte after a member: what follows must be padding and nothing else. */
async function checkPadding(path: string, end: number): Promise<void> {
  let offset = end;
  for await (const chunk of createReadStream(path, { start: end, highWaterMark: CHUNK })) {
    for (let i = 0; i < chunk.length; i++) {
      if (chunk[i] !== 0) {
        throw new FileRefused({
          code: 'GZIP_CORRUPT',
          message: `the gzip data ends at byte ${end}, but other bytes follow at byte ${offset + i}; only zeros may`,
          hint: 'Ask the sender for the file again; something was appended to it.',
        });
      }
    }
    offset += chunk.length;
  }
}

function bomb(found: string, setting: string): FileRefused {
  return new FileRefused({
    code: 'DECOMPRESSION_BOMB',
    message: `the compressed file holds ${found}; reading stopped there`,
    hint: `If the file is genuine, raise ${setting}.`,
  });
}

function asRefusal(error: unknown, produced: number): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (error.code === 'Z_BUF_ERROR') {
    return new FileRefused(
      {
        code: 'GZIP_TRUNCATED',
        message: `the gzip data breaks off after ${produced} decompressed bytes, before its end`,
        hint: 'The upload was probably cut off. Ask the sender for the file again.',
      },
      { cause: error },
    );
  }
  if (!error.code.startsWith('Z_')) return error;
  return new FileRefused(
    {
      code: 'GZIP_CORRUPT',
      message: `the gzip data is damaged after ${produced} decompressed bytes: ${error.message}`,
      hint: 'Ask the sender for the file again. Transfers in text mode and appended bytes damage gzip files.',
    },
    { cause: error },
  );
}

async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
