import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import yauzl from 'yauzl';
import { FileRefused } from '../model.ts';
import { type Growth, unpackingGuard } from './growth.ts';

const SHOWN = 5;

/**
 * Unpacks the one file of a zip archive; folders and what macOS adds do not count. The directory of a zip is at its end, so it is
 * read from a file or from memory, not from a stream. Throws `FileRefused` ZIP_ENTRIES, ZIP_ENCRYPTED, ZIP_BROKEN,
 * DECOMPRESSION_BOMB, NOT_TEXT; ZIP_BROKEN also at the end of the data, when its checksum is known.
 */
export async function* unzipped(archive: string | Buffer, limits: Growth): AsyncGenerator<Buffer> {
  const guard = unpackingGuard(limits);
  let stream: Readable | undefined;
  let zip: yauzl.ZipFile | undefined;
  try {
    // Names are not decoded, so that none is refused: nothing is ever written under them.
    const options = { autoClose: false, decodeStrings: false };
    zip = await (typeof archive === 'string'
      ? yauzl.openPromise(archive, options)
      : yauzl.fromBufferPromise(archive, options));
    const entry = await onlyEntry(zip);
    stream = await zip.openReadStreamPromise(entry);
    let crc = 0;
    let produced = 0;
    for await (const chunk of stream) {
      const bytes: Buffer = chunk;
      produced += bytes.length;
      guard(produced, entry.compressedSize);
      crc = crc32(bytes, crc);
      yield bytes;
    }
    if (crc !== entry.crc32) throw broken('the checksum of its contents does not match');
  } catch (error) {
    throw error instanceof FileRefused || isDisk(error)
      ? error
      : broken(error instanceof Error ? error.message : String(error));
  } finally {
    stream?.destroy();
    zip?.close();
  }
}

async function onlyEntry(zip: yauzl.ZipFile): Promise<yauzl.Entry> {
  /** The first of them; an archive may have a million. */
  const names: string[] = [];
  let count = 0;
  let only: yauzl.Entry | undefined;
  for await (const entry of zip.eachEntry()) {
    const name = entry.fileNameRaw.toString('utf8');
    if (name === '[Content_Types].xml')
      throw new FileRefused({
        code: 'NOT_TEXT',
        message: 'the file is an Excel workbook or another Office document; csv, psv, tsv, json and jsonl are read',
        hint: 'Ask the sender for a text file.',
      });
    if (/[/\\]$/.test(name) || /(?:^|\/)(?:__MACOSX\/|\.DS_Store$)/.test(name)) continue;
    count++;
    if (names.length < SHOWN) names.push(name);
    only ??= entry;
  }
  if (!only || count > 1) throw entries(names, count);
  if (only.isEncrypted())
    throw new FileRefused({
      code: 'ZIP_ENCRYPTED',
      message: 'the zip archive is protected with a password, which is not supported',
      hint: 'Ask the sender to encrypt the file with PGP instead (file.pgp), or to send it without a password.',
    });
  if (!only.canDecodeFileData())
    throw broken(`it is compressed by method ${only.compressionMethod}; stored and deflate are read`);
  return only;
}

function entries(names: readonly string[], count: number): FileRefused {
  const listed = names.map((name) => JSON.stringify(name.slice(0, 80)));
  const more = count > names.length ? ` and ${count - names.length} more` : '';
  return new FileRefused({
    code: 'ZIP_ENTRIES',
    message: `the zip archive holds ${count === 0 ? 'no file' : `${count} files (${listed.join(', ')}${more})`}; exactly one is allowed`,
    hint: 'Ask the sender to put one file into each archive.',
  });
}

function broken(what: string): FileRefused {
  return new FileRefused({
    code: 'ZIP_BROKEN',
    message: `the zip archive cannot be unpacked: ${what}`,
    hint: 'The upload was probably cut off or damaged. Ask the sender for the file again.',
  });
}

function isDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
