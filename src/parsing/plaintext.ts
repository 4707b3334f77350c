import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { FileRefused } from '../model.ts';
import { unpackingGuard } from './growth.ts';
import { gunzipped } from './gunzip.ts';
import { decrypted } from './pgp.ts';
import { PGP_HEAD, pgpForm } from './pgp-packets.ts';
import type { FileSettings, StagedFile } from './settings.ts';
import { unzipped } from './unzip.ts';

const CHUNK = 128 * 1024;
/** A zip is read from its end. Inside a PGP message there is no file to seek in, and a decrypted one may not be written to disk. */
const ZIP_IN_MEMORY = 64 * 1024 * 1024;

/** Whether the file is packed or encrypted by its first bytes, whatever its name. */
export async function isPacked(staged: StagedFile): Promise<boolean> {
  return staged.keys !== undefined || packingOf(await readHead(staged)) !== undefined;
}

/**
 * The bytes after decryption and decompression, and before decoding: what a file's identity is the hash of. `range.start`
 * skips that many of them. Throws `FileRefused` where they cannot be had (PGP_*, GZIP_*, ZIP_*, DECOMPRESSION_BOMB), often only after
 * all readable bytes were given out: nothing read here counts before the end was reached.
 */
export async function* readPlaintext(
  staged: StagedFile,
  settings: FileSettings,
  range: { start: number } = { start: 0 },
): AsyncGenerator<Buffer> {
  const head = await readHead(staged);
  if (staged.keys === undefined && packingOf(head) === undefined) {
    yield* createReadStream(staged.path, { start: range.start, highWaterMark: CHUNK });
    return;
  }
  let skip = range.start;
  for await (const chunk of unpacked(staged, settings, head)) {
    if (skip >= chunk.length) skip -= chunk.length;
    else {
      yield skip === 0 ? chunk : chunk.subarray(skip);
      skip = 0;
    }
  }
}

function unpacked(staged: StagedFile, { limits }: FileSettings, head: Buffer): AsyncGenerator<Buffer> {
  if (staged.keys === undefined) {
    return packingOf(head) === 'zip' ? unzipped(staged.path, limits) : gunzipped(bytesOf(staged), limits);
  }
  const form = pgpForm(head);
  if (form === undefined) throw notEncrypted(head);
  return withinPgp(decrypted(bytesOf(staged), form, staged.keys), staged, limits);
}

async function* withinPgp(
  contents: AsyncGenerator<Buffer>,
  staged: StagedFile,
  limits: FileSettings['limits'],
): AsyncGenerator<Buffer> {
  try {
    const { head, all } = await beginningOf(contents, 4);
    const packing = packingOf(head);
    if (packing === 'gzip') yield* gunzipped(all, limits);
    else if (packing === 'zip') yield* unzipped(await inMemory(all), limits);
    else {
      // PGP compresses by itself, too.
      const guard = unpackingGuard(limits);
      const size = await sizeOf(staged);
      let produced = 0;
      for await (const chunk of all) {
        produced += chunk.length;
        guard(produced, size);
        yield chunk;
      }
    }
  } finally {
    await contents.return(undefined);
  }
}

function packingOf(head: Buffer): 'gzip' | 'zip' | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  // A zip without any entry has nothing but its directory's end.
  return /^504b(?:0304|0506)/.test(head.toString('hex', 0, 4)) ? 'zip' : undefined;
}

async function* bytesOf({ path }: StagedFile): AsyncGenerator<Buffer> {
  yield* createReadStream(path, { highWaterMark: CHUNK });
}

/** The first bytes, and an iterable that gives everything all the same. */
async function beginningOf(
  chunks: AsyncGenerator<Buffer>,
  least: number,
): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < least) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const all = async function* (): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    yield* chunks;
  };
  return { head, all: all() };
}

async function inMemory(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > ZIP_IN_MEMORY)
      throw new FileRefused({
        code: 'ZIP_TOO_LARGE',
        message: `the PGP message holds a zip archive of more than ${ZIP_IN_MEMORY / 1024 ** 2} MB, which would have to be decrypted to disk`,
        hint: 'Ask the sender to encrypt the file itself: PGP compresses it. gzip within PGP has no such limit.',
      });
  }
  return Buffer.concat(parts);
}

function notEncrypted(head: Buffer): FileRefused {
  const text = head.toString('latin1');
  const found = text.includes('-----BEGIN PGP SIGNED MESSAGE-----')
    ? 'signed, but not encrypted'
    : head.length === 0
      ? 'empty'
      : 'not a PGP message';
  return new FileRefused({
    code: 'PGP_MISSING',
    message: `the file is ${found}; the job has file.pgp, so only files that are encrypted with PGP are taken`,
    hint: 'Ask the sender to encrypt the file; what it holds may have travelled in clear.',
  });
}

async function readHead({ path }: StagedFile): Promise<Buffer> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PGP_HEAD), 0, PGP_HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeOf({ path }: StagedFile): Promise<number> {
  const file = await open(path);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
