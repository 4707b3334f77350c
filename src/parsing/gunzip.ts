import { once } from 'node:events';
import { createGunzip, type Gunzip } from 'node:zlib';
import { FileRefused } from '../model.ts';
import { type Growth, unpackingGuard } from './growth.ts';

const CHUNK = 128 * 1024;

/**
 * Unpacks gzip, also of several members. Reads the source to its end, whatever comes behind the packed data. Throws `FileRefused`
 * GZIP_TRUNCATED, GZIP_CORRUPT, DECOMPRESSION_BOMB.
 */
export async function* gunzipped(source: AsyncIterable<Buffer>, limits: Growth): AsyncGenerator<Buffer> {
  const stream = createGunzip({ chunkSize: CHUNK });
  const feed = createFeed(source, stream);
  const guard = unpackingGuard(limits);
  let produced = 0;
  try {
    for await (const chunk of stream) {
      produced += chunk.length;
      guard(produced, feed.taken());
      yield chunk;
    }
    await feed.padding(stream.bytesWritten);
  } catch (error) {
    throw asRefusal(error, produced);
  } finally {
    stream.destroy();
    await feed.stop();
  }
}

interface Feed {
  /** Bytes read from the source so far. */
  taken(): number;
  /** zlib stops silently at a zero byte after a member: what follows must be padding and nothing else, to the source's end. */
  padding(end: number): Promise<void>;
  stop(): Promise<void>;
}

function createFeed(source: AsyncIterable<Buffer>, stream: Gunzip): Feed {
  const chunks = source[Symbol.asyncIterator]();
  let taken = 0;
  let failure: unknown;
  let released = (): void => {};
  const release = new Promise<void>((resolve) => {
    released = resolve;
  });
  let over = false;
  /** What zlib may not have used up yet. */
  let recent: { at: number; chunk: Buffer }[] = [];
  const feeding = (async () => {
    try {
      while (!over) {
        const next = await chunks.next();
        if (next.done === true) break;
        recent = recent.filter(({ at, chunk }) => at + chunk.length > stream.bytesWritten);
        recent.push({ at: taken, chunk: next.value });
        taken += next.value.length;
        if (!over && !stream.write(next.value)) await Promise.race([once(stream, 'drain').catch(() => {}), release]);
      }
      if (!over) stream.end();
    } catch (error) {
      failure = error;
      stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  })();
  const settle = async (): Promise<void> => {
    over = true;
    released();
    await feeding;
  };
  return {
    taken: () => taken,
    padding: async (end) => {
      await settle();
      if (failure !== undefined) throw failure;
      for (const { at, chunk } of recent) refuseBytes(chunk, at, end);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
        refuseBytes(next.value, taken, end);
        taken += next.value.length;
      }
    },
    stop: async () => {
      await settle();
      await chunks.return?.();
    },
  };
}

function refuseBytes(chunk: Buffer, at: number, end: number): void {
  for (let i = Math.max(0, end - at); i < chunk.length; i++) {
    if (chunk[i] === 0) continue;
    throw new FileRefused({
      code: 'GZIP_CORRUPT',
      message: `the gzip data ends at byte ${end}, but other bytes follow at byte ${at + i}; only zeros may`,
      hint: 'Ask the sender for the file again; something was appended to it.',
    });
  }
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
