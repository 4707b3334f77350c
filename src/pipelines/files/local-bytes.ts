import { createReadStream } from 'node:fs';

/**
 * The bytes of a file on this machine. It is opened when they are asked for: a stream that nobody comes to read would keep its
 * file open for ever, and an error of it that nobody listens to would end the process.
 */
export async function* localBytes(path: string): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: 1 << 18 });
}
