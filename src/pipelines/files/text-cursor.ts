/** Cuts records out of a stream of bytes by their places, which only go forward. */
export interface TextCursor {
  /** The bytes from offset on, where they are in memory; else `undefined`: call `more` and ask again. */
  peek(offset: number, length: number): Buffer | undefined;
  more(): Promise<void>;
  close(): Promise<void>;
}

const NOTHING = Buffer.alloc(0);

export function createTextCursor(stream: AsyncIterable<Buffer>): TextCursor {
  const chunks = stream[Symbol.asyncIterator]();
  /** What is in memory. Put together only where a record goes over several chunks, and once it is there. */
  let parts: Buffer[] = [];
  let size = 0;
  let start = 0;
  let last = 0;
  return {
    peek: (offset, length) => {
      last = offset;
      const from = offset - start;
      if (from < 0) throw new Error(`the text at ${offset} was passed already`);
      if (from + length > size) return undefined;
      if (parts.length > 1) parts = [Buffer.concat(parts)];
      return (parts[0] ?? NOTHING).subarray(from, from + length);
    },
    more: async () => {
      const next = await chunks.next();
      if (next.done === true) throw new Error('the staged file ended before its last record');
      let used = Math.min(size, Math.max(0, last - start));
      start += used;
      size += next.value.length - used;
      while (used > 0) {
        const first = parts[0] ?? NOTHING;
        if (first.length <= used) parts.shift();
        else parts[0] = first.subarray(used);
        used -= Math.min(used, first.length);
      }
      parts.push(next.value);
    },
    close: async () => {
      await chunks.return?.();
    },
  };
}
