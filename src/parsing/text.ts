import { FileRefused, type Notice } from '../model.ts';
import { BadBytes, type Charset, toUtf8 } from './charset.ts';
import { PGP_HEAD, pgpForm } from './pgp-packets.ts';
import { isPacked, readPlaintext } from './plaintext.ts';
import type { FileSettings, StagedFile } from './settings.ts';

/** What the first bytes tell of a file. */
export interface Beginning {
  charset: Charset;
  /** Bytes of the byte order mark. */
  bom: number;
  notices: Notice[];
}

const HEAD = PGP_HEAD;

/** Kinds of files that are no text, by their first bytes in hex. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/^504b0304/, 'a ZIP archive or an Excel workbook'],
  [/^d0cf11e0/, 'an old Excel or Word document'],
  [/^255044462d/, 'a PDF'],
  [/^425a683[1-9]314159265359/, 'a bzip2 archive'],
  [/^fd377a585a/, 'an xz archive'],
  [/^28b52ffd/, 'a Zstandard archive'],
  [/^377abcaf/, 'a 7z archive'],
  [/^5041523115/, 'a Parquet file'],
];

/**
 * The decoded text as UTF-8, decompressed, without a byte order mark. Its byte offsets are those in `InputRow`;
 * `range.start` must be one of them. Throws `FileRefused` where bytes do not belong to the charset.
 */
export async function* openText(
  staged: StagedFile,
  settings: FileSettings,
  range: { start: number } = { start: 0 },
): AsyncGenerator<Buffer> {
  yield* textAfter(staged, settings, await readBeginning(staged, settings), range.start);
}

/** `openText` for a caller that has looked at the beginning already. */
export async function* textAfter(
  staged: StagedFile,
  settings: FileSettings,
  { charset, bom }: Beginning,
  start: number,
): AsyncGenerator<Buffer> {
  // UTF-8 keeps its offsets, so that the bytes before the start need not be read; other charsets are decoded from the top.
  const first = charset === 'utf-8' ? bom + start : bom;
  let skip = charset === 'utf-8' ? 0 : start;
  try {
    for await (const chunk of toUtf8(readPlaintext(staged, settings, { start: first }), charset)) {
      if (skip === 0) yield chunk;
      else if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield chunk.subarray(skip);
        skip = 0;
      }
    }
  } catch (error) {
    throw error instanceof BadBytes ? await refusal(staged, settings, charset, first + error.offset, error) : error;
  }
}

/** Looks at the first bytes: the charset, the mark before the text, and whether it is text at all. */
export async function readBeginning(staged: StagedFile, settings: FileSettings): Promise<Beginning> {
  const head = await readHead(staged, settings);
  const packed = await isPacked(staged);
  const hex = head.toString('hex', 0, 16);
  if (hex.startsWith('1f8b')) {
    throw new FileRefused({
      code: 'NESTED_GZIP',
      message: 'the compressed file holds another gzip file; one layer is allowed',
      hint: 'Ask the sender to compress the file once.',
    });
  }
  if (pgpForm(head) !== undefined) throw encrypted(staged);
  const foreign = FOREIGN.find(([magic]) => magic.test(hex));
  if (foreign) {
    throw new FileRefused({
      code: 'NOT_TEXT',
      message: `the file is ${foreign[1]} by its first bytes; csv, psv, tsv, json and jsonl are read, plain or as gzip or zip`,
      hint: 'Ask the sender for a text file.',
    });
  }
  const notices: Notice[] = [];
  if (!packed && head.length > 0 && /\.gz$/i.test(staged.name)) {
    notices.push({
      code: 'NOT_GZIP',
      message: 'the name ends in .gz, but the file is not compressed; it was read as it is',
    });
  }
  return { ...charsetOf(head, hex, settings), notices };
}

function encrypted({ keys }: StagedFile): FileRefused {
  return new FileRefused({
    code: 'PGP_UNEXPECTED',
    message: keys
      ? 'the PGP message holds another PGP message; one layer is allowed'
      : 'the file is encrypted with PGP, or holds a file that is, and the job has no key for it',
    hint: keys
      ? 'Ask the sender to encrypt the file once.'
      : 'Set file.pgp.privateKey if the sender shall encrypt; a compressed file goes into the PGP message, not around it.',
  });
}

function charsetOf(head: Buffer, hex: string, settings: FileSettings): { charset: Charset; bom: number } {
  const declared = settings.charset;
  const marked = markOf(hex);
  if (marked === 'utf-32') throw wrongMark('UTF-32', declared);
  if (marked) {
    const [charset, bom] = marked;
    if (declared !== 'auto' && declared !== charset) throw wrongMark(charset.toUpperCase(), declared);
    return { charset, bom };
  }
  if (declared === 'auto' || declared === 'utf-8') refuseUnmarkedUtf16(head);
  return { charset: declared === 'auto' ? 'utf-8' : declared, bom: 0 };
}

function markOf(hex: string): readonly [Charset, number] | 'utf-32' | undefined {
  if (hex.startsWith('efbbbf')) return ['utf-8', 3];
  if (hex.startsWith('fffe0000') || hex.startsWith('0000feff')) return 'utf-32';
  if (hex.startsWith('fffe')) return ['utf-16le', 2];
  if (hex.startsWith('feff')) return ['utf-16be', 2];
  return undefined;
}

function wrongMark(found: string, declared: string): FileRefused {
  return new FileRefused({
    code: 'ENCODING',
    message: `the file starts with the byte order mark of ${found}; the job says file.charset: ${declared}`,
    hint:
      found === 'UTF-32'
        ? 'Ask the sender for UTF-8.'
        : 'Set file.charset: auto, or ask the sender for the charset agreed on.',
  });
}

/** Latin letters in UTF-16 have a zero in every other byte. */
function refuseUnmarkedUtf16(head: Buffer): void {
  if (head.length < 4) return;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < head.length; i++) if (head[i] === 0) i % 2 === 0 ? even++ : odd++;
  const half = head.length / 2;
  const guess =
    odd > half * 0.4 && even < half * 0.1 ? 'utf-16le' : even > half * 0.4 && odd < half * 0.1 ? 'utf-16be' : undefined;
  if (!guess) return;
  throw new FileRefused({
    code: 'ENCODING',
    message: `every other byte is NUL, as in ${guess.toUpperCase()}, but the file has no byte order mark`,
    hint: `If the sender writes ${guess.toUpperCase()}, set file.charset: ${guess}.`,
    line: 1,
  });
}

async function readHead(staged: StagedFile, settings: FileSettings): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of readPlaintext(staged, settings)) {
    parts.push(chunk.subarray(0, HEAD - length));
    length += chunk.length;
    if (length >= HEAD) break;
  }
  return Buffer.concat(parts);
}

async function refusal(
  staged: StagedFile,
  settings: FileSettings,
  charset: Charset,
  offset: number,
  error: BadBytes,
): Promise<FileRefused> {
  const line = await lineOfByte(staged, settings, charset, offset);
  return new FileRefused({
    code: 'ENCODING',
    message: `line ${line}, byte ${offset} of the file: ${error.found} is not valid ${charset.toUpperCase()}`,
    hint:
      charset === 'utf-8'
        ? 'If the sender writes Windows-1252 (common for exports from Excel), set file.charset: windows-1252; else ask for UTF-8.'
        : 'Ask the sender which charset the file has, and set file.charset; UTF-8 is best.',
    line,
  });
}

/** Reads again up to the byte: only a refused file pays for it. */
async function lineOfByte(
  staged: StagedFile,
  settings: FileSettings,
  charset: Charset,
  offset: number,
): Promise<number> {
  const wide = charset.startsWith('utf-16');
  let line = 1;
  let at = 0;
  let previous = 0;
  let afterCr = false;
  for await (const chunk of readPlaintext(staged, settings)) {
    for (const byte of chunk) {
      if (at >= offset) return line;
      if (!wide || at % 2 === 1) {
        const unit = !wide ? byte : charset === 'utf-16be' ? previous * 256 + byte : byte * 256 + previous;
        if (unit === 10 ? !afterCr : unit === 13) line++;
        afterCr = unit === 13;
      }
      previous = byte;
      at++;
    }
  }
  return line;
}
