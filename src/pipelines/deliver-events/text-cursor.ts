/** Cuts records out of a stream of bytes by their places, which only go forward. */
export interface TextCursor {
  /** The bytes from offset on, where they are in memory; else `undefined`: call `more` and ask again. */
  peek(offset: number, length: number): Buffer | undefined;
  more(): Promise<void>;
  close(): Promise<void>;
}

export function createTextCursor(stream: AsyncIterable<Buffer>): TextCursor {
  const chunks = stream[Symbol.asyncIterator]();
  let window: Buffer = Buffer.alloc(0);
  let start = 0;
  let last = 0;
  return {
    peek: (offset, length) => {
      last = offset;
      const from = offset - start;
      if (from < 0) throw new Error(`the text at ${offset} was passed already`);
      return from + length <= window.length ? window.subarray(from, from + length) : undefined;
    },
    more: async () => {
      const next = await chunks.next();
      if (next.done === true) throw new Error('the staged file ended before its last record');
      const used = Math.min(window.length, Math.max(0, last - start));
      window = used === window.length ? next.value : Buffer.concat([window.subarray(used), next.value]);
      start += used;
    },
    close: async () => {
      await chunks.return?.();
    },
  };
}
