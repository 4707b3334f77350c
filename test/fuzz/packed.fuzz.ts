import { gunzipSync } from 'node:zlib';
import { gunzipped } from '../../src/parsing/gunzip.ts';
import { unzipped } from '../../src/parsing/unzip.ts';
import { collect, inChunks, must, outcome, takeFrom } from './support.ts';

const LIMITS = { ratio: 200, decompressed: 4 << 20 };

/** gzip and zip of any bytes: the whole contents, or a refusal. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const zip = take.number(2) === 1;
  const sizes = [1 + take.number(20), take.number(90)];
  const bytes = take.rest();
  if (zip) {
    await outcome(async () => collect(unzipped(bytes, LIMITS)));
    return;
  }
  const read = await outcome(async () => Buffer.concat(await collect(gunzipped(inChunks(bytes, sizes), LIMITS))));
  const whole = await outcome(async () =>
    Buffer.concat(await collect(gunzipped(inChunks(bytes, [bytes.length + 1]), LIMITS))),
  );
  must(
    read.ok === whole.ok,
    'chunks decide whether it can be read',
    sizes,
    !read.ok && read.refusal.code,
    !whole.ok && whole.refusal.code,
  );
  const expected = plainly(bytes);
  if (!read.ok || !whole.ok) {
    // Behind zeros anything may follow for zlib, and nothing for us; and a bomb is one for us alone.
    const own = !read.ok && ['DECOMPRESSION_BOMB', 'GZIP_CORRUPT'].includes(read.refusal.code);
    must(expected === undefined || own, 'good gzip is refused', !read.ok && read.refusal.message);
    return;
  }
  must(expected !== undefined, 'what is no gzip is read');
  must(expected.equals(read.value) && whole.value.equals(read.value), 'other contents', read.value.length);
}

function plainly(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: 64 << 20 });
  } catch {
    return undefined;
  }
}
