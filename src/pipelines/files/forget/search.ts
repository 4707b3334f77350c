import { createReadStream } from 'node:fs';

/** Looks for an e-mail address in text, whatever stands around it and in whatever case. */
export interface Search {
  /** Whether the address stands in this text. */
  in(text: string): boolean;
  /** Whether it stands in UTF-8 (or UTF-16) text that comes in pieces of any size. */
  inStream(bytes: AsyncIterable<Buffer>): Promise<boolean>;
  /** The text with `mark` in place of the address. */
  without(text: string, mark: string): string;
}

/** What would make it another address: `joanna@x.com` is not `anna@x.com`, nor is `anna@x.com.au`. */
const BEFORE = "(?<![\\p{L}\\p{N}._%+'-])";
const AFTER = '(?![\\p{L}\\p{N}_-]|\\.[\\p{L}\\p{N}])';

/** JSON may write the sign so; a file in UTF-16 that nobody decoded has a zero beside each letter. */
const readable = (text: string): string => text.replace(/\\u0040/gi, '@').replaceAll('\0', '');

export function searchFor(email: string): Search {
  const escaped = email.normalize('NFC').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const everywhere = new RegExp(`${BEFORE}${escaped}${AFTER}`, 'giu');
  const found = (text: string, from = 0): boolean => {
    everywhere.lastIndex = from;
    return everywhere.test(readable(text).normalize('NFC'));
  };
  return {
    in: (text) => found(text),
    without: (text, mark) =>
      text
        .replace(everywhere, mark)
        .replace(/\\u0040/gi, '@')
        .replace(everywhere, mark),
    async inStream(bytes) {
      const decoder = new TextDecoder('utf-8');
      // As much as an address written with escapes and zeros may take, and what stands beside it.
      const overlap = 2 * email.length + 16;
      let rest = '';
      // What a later piece begins with was cut off from what stands before it, and was looked at with it.
      let from = 0;
      for await (const chunk of bytes) {
        const text = rest + decoder.decode(chunk, { stream: true });
        // At the very end it may go on as another address in the next piece.
        if (found(text, from) && found(text.slice(0, -2), from)) return true;
        from = text.length > overlap ? 1 : from;
        rest = text.slice(-overlap);
      }
      return found(rest + decoder.decode(), from);
    },
  };
}

/** The bytes of a file as they are. */
export const bytesOf = (path: string): AsyncIterable<Buffer> => createReadStream(path, { highWaterMark: 1 << 18 });
