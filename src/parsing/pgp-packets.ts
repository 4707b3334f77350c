import { FileRefused } from '../model.ts';

/** Packets that hold the encrypted data; nothing may follow one. */
const DATA = new Set([9, 18, 20]);
/** Session keys for a public key, or for a password, with the versions they come in. */
const SESSION_KEY: Readonly<Record<number, readonly number[]>> = { 1: [2, 3, 6], 3: [4, 5, 6] };
const ARMOR = /(?:^|[\r\n])-----BEGIN PGP MESSAGE-----[ \t]*[\r\n]/;

/** How many bytes of a file `pgpForm` wants to see. */
export const PGP_HEAD = 4096;

/** Whether a file is a PGP message, by its first bytes. No text starts like one. */
export function pgpForm(head: Buffer): 'binary' | 'armored' | undefined {
  if (ARMOR.test(head.toString('latin1', 0, PGP_HEAD))) return 'armored';
  const first = head[0] ?? 0;
  if ((first & 0x80) === 0) return undefined;
  const { tag, lengthBytes } = framing(first, head[1] ?? 0);
  const version = head[1 + lengthBytes];
  return version !== undefined && SESSION_KEY[tag]?.includes(version) ? 'binary' : undefined;
}

/** The packet's tag, and how many bytes state its length. */
function framing(first: number, next: number): { tag: number; lengthBytes: number } {
  if (first & 0x40)
    return { tag: first & 0x3f, lengthBytes: next < 192 || (next >= 224 && next < 255) ? 1 : next < 224 ? 2 : 5 };
  const kind = first & 3;
  return { tag: (first >> 2) & 15, lengthBytes: kind === 3 ? 0 : 1 << kind };
}

/** The binary form of an armored message. Throws `FileRefused` PGP_BROKEN where its end is missing, or something follows it. */
export async function* withoutArmor(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  type Place = 'before' | 'headers' | 'data' | 'after';
  const at: { place: Place } = { place: 'before' };
  let carry = '';
  let base64 = '';
  const take = (line: string): void => {
    const text = line.trim();
    if (at.place === 'before') at.place = text === '-----BEGIN PGP MESSAGE-----' ? 'headers' : 'before';
    else if (at.place === 'headers') {
      if (text === '') at.place = 'data';
      else if (!/^[\w-]+:/.test(text)) throw broken('its armor headers do not end with an empty line');
    } else if (at.place === 'data') {
      if (text === '-----END PGP MESSAGE-----') at.place = 'after';
      else if (!text.startsWith('=')) base64 += text;
    } else if (text !== '') throw broken('something follows the end of the message');
  };
  for await (const chunk of chunks) {
    const lines = (carry + chunk.toString('latin1')).split('\n');
    carry = lines.pop() ?? '';
    if (carry.length > PGP_HEAD * 16) throw broken('an armored line is longer than any');
    for (const line of lines) take(line);
    const whole = base64.length - (base64.length % 4);
    if (whole > 0) yield Buffer.from(base64.slice(0, whole), 'base64');
    base64 = base64.slice(whole);
  }
  take(carry);
  if (base64 !== '') yield Buffer.from(base64, 'base64');
  if (at.place !== 'after') throw broken('its last line, END PGP MESSAGE, is missing: it breaks off');
}

/**
 * Passes a binary message through and follows its packets, so that one that breaks off, or that something follows, is
 * found whatever the decryption makes of it. Throws `FileRefused` PGP_BROKEN.
 */
export async function* wholeMessage(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header: number[] = [];
  let left = 0;
  let partial = false;
  let inData = false;
  let ended = false;
  let at = 0;
  const begin = (): void => {
    const tag = partial ? -1 : framing(header[0] ?? 0, header[1] ?? 0).tag;
    const length = partial ? lengthOf([0xff, ...header]) : lengthOf(header);
    if (length === undefined) return;
    if (!partial) inData = DATA.has(tag);
    left = length.bytes;
    partial = length.partial;
    header = [];
  };
  for await (const chunk of chunks) {
    for (let i = 0; i < chunk.length; ) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - i);
        left -= step;
        i += step;
        at += step;
      } else {
        const byte = chunk[i++] ?? 0;
        at++;
        if (ended) throw broken(`something follows the end of the message, from byte ${at - 1} on`);
        if (header.length === 0 && !partial && (byte & 0x80) === 0)
          throw broken(`found no packet where one should begin, at byte ${at - 1}`);
        header.push(byte);
        begin();
      }
      if (left === 0 && header.length === 0 && !partial && inData) ended = true;
    }
    yield chunk;
  }
  if (!ended && left !== Number.POSITIVE_INFINITY) throw broken(`it breaks off after ${at} bytes, before its end`);
}

/** The length that the header bytes so far state; `undefined`: more of them are needed. A partial one is followed by another. */
function lengthOf(header: readonly number[]): { bytes: number; partial: boolean } | undefined {
  const [first = 0, a, b = 0] = header;
  if (a === undefined && !(first & 0x40) && (first & 3) === 3)
    return { bytes: Number.POSITIVE_INFINITY, partial: false };
  if (a === undefined) return undefined;
  const { lengthBytes } = framing(first, a);
  if (header.length < 1 + lengthBytes) return undefined;
  const whole = (from: number): number => header.slice(from).reduce((sum, byte) => sum * 256 + byte, 0);
  if (!(first & 0x40)) return { bytes: whole(1), partial: false };
  if (a < 192) return { bytes: a, partial: false };
  if (a < 224) return { bytes: (a - 192) * 256 + b + 192, partial: false };
  if (a === 255) return { bytes: whole(2), partial: false };
  return { bytes: 2 ** (a & 0x1f), partial: true };
}

export function broken(what: string, cause?: unknown): FileRefused {
  return new FileRefused(
    {
      code: 'PGP_BROKEN',
      message: `the PGP message is damaged: ${what}`,
      hint: 'The upload was probably cut off or changed on the way. Ask the sender for the file again.',
    },
    { cause },
  );
}
