import { isUtf8 } from 'node:buffer';

/** Something in the bytes that is not text in the charset; `offset` counts the bytes handed in. */
export class BadBytes extends Error {
  readonly offset: number;
  readonly found: string;
  constructor(offset: number, found: string) {
    super(`${found} at byte ${offset}`);
    this.name = 'BadBytes';
    this.offset = offset;
    this.found = found;
  }
}

export type Charset = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

/** The same text as UTF-8. Throws `BadBytes`; never replaces what it cannot read. */
export function toUtf8(bytes: AsyncIterable<Buffer>, charset: Charset): AsyncGenerator<Buffer> {
  if (charset === 'utf-8') return checkUtf8(bytes);
  if (charset === 'windows-1252') return fromWindows1252(bytes);
  return fromUtf16(bytes, charset === 'utf-16be');
}

/** Passes chunks on as they are; only a character cut by the end of a chunk moves to the next one. */
async function* checkUtf8(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let offset = 0;
  let rest: Buffer | undefined;
  for await (const chunk of bytes) {
    const buffer = rest ? Buffer.concat([rest, chunk]) : chunk;
    const end = buffer.length - cutCharacter(buffer);
    const whole = end === buffer.length ? buffer : buffer.subarray(0, end);
    if (!isUtf8(whole)) throw invalidUtf8(whole, offset);
    if (end > 0) yield whole;
    rest = end === buffer.length ? undefined : buffer.subarray(end);
    offset += end;
  }
  if (rest) throw new BadBytes(offset, `${hex(rest[0])}, a character cut off by the end of the file,`);
}

/** How many bytes at the end belong to a character that goes on in the next chunk: 0 to 3. */
function cutCharacter(buffer: Buffer): number {
  for (let back = 1; back <= 3 && back <= buffer.length; back++) {
    const byte = buffer[buffer.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return characterLength(byte) > back ? back : 0;
  }
  return 0;
}

function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}

function invalidUtf8(buffer: Buffer, base: number): BadBytes {
  let at = 0;
  while (at < buffer.length) {
    const next = at + characterLength(buffer[at] ?? 0);
    if (next > buffer.length || !isUtf8(buffer.subarray(at, next))) break;
    at = next;
  }
  return new BadBytes(base + at, hex(buffer[at]));
}

async function* fromUtf16(bytes: AsyncIterable<Buffer>, bigEndian: boolean): AsyncGenerator<Buffer> {
  let offset = 0;
  let rest: Buffer | undefined;
  for await (const chunk of bytes) {
    // A copy in any case: swap16 works in place, on an even address.
    const buffer = Buffer.concat(rest ? [rest, chunk] : [chunk]);
    let end = buffer.length - (buffer.length % 2);
    const lastUnit = end >= 2 ? (buffer[end - (bigEndian ? 2 : 1)] ?? 0) : 0;
    if (lastUnit >= 0xd8 && lastUnit <= 0xdb) end -= 2;
    rest = end === buffer.length ? undefined : Buffer.from(buffer.subarray(end));
    const units = buffer.subarray(0, end);
    if (end > 0) yield Buffer.from(utf16Text(bigEndian ? units.swap16() : units, offset));
    offset += end;
  }
  if (rest) throw new BadBytes(offset, rest.length === 1 ? 'half a UTF-16 unit' : 'half of a surrogate pair');
}

function utf16Text(units: Buffer, base: number): string {
  const text = units.toString('utf16le');
  if (text.isWellFormed()) return text;
  let at = 0;
  for (const character of text) {
    if (!character.isWellFormed()) break;
    at += character.length;
  }
  throw new BadBytes(base + at * 2, 'half of a surrogate pair');
}

/** The five bytes that Windows-1252 leaves undefined; decoders turn them into invisible control characters. */
const UNDEFINED_1252 = [0x81, 0x8d, 0x8f, 0x90, 0x9d];

async function* fromWindows1252(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('windows-1252');
  let offset = 0;
  for await (const chunk of bytes) {
    for (const byte of UNDEFINED_1252) {
      const at = chunk.indexOf(byte);
      if (at >= 0) throw new BadBytes(offset + at, hex(byte));
    }
    yield Buffer.from(decoder.decode(chunk));
    offset += chunk.length;
  }
}

function hex(byte: number | undefined): string {
  return `0x${(byte ?? 0).toString(16).toUpperCase().padStart(2, '0')}`;
}
