import type { Readable } from 'node:stream';

/** Bytes of bodies that are being read, all together: a bound for who sends much, or slowly, from many places at once. */
export interface Budget {
  left: number;
}

export type Body = { kind: 'whole'; bytes: Buffer } | { kind: 'too-large' } | { kind: 'crowded' } | { kind: 'cut-off' };

/** Who stops in between leaves the stream as it is: with it would go the connection, and the answer that says why. */
const LEFT_OPEN = { destroyOnReturn: false };

/** Reads a body of at most `most` bytes. Never throws. What came counts against the budget until `free` is called. */
export async function readBody(stream: Readable, most: number, budget: Budget): Promise<Body & { free: () => void }> {
  const chunks: Buffer[] = [];
  let size = 0;
  const free = (): void => {
    budget.left += size;
    size = 0;
  };
  try {
    for await (const chunk of stream.iterator(LEFT_OPEN)) {
      const bytes: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
      size += bytes.length;
      budget.left -= bytes.length;
      if (size > most) return { kind: 'too-large', free };
      if (budget.left < 0) return { kind: 'crowded', free };
      chunks.push(bytes);
    }
  } catch {
    return { kind: 'cut-off', free };
  }
  return { kind: 'whole', bytes: Buffer.concat(chunks), free };
}

/**
 * Reads what is left of a body, at most `most` bytes, and keeps nothing: an answer to who still sends is lost with the connection. Never
 * throws. How long it may take is for the server to say.
 */
export async function dropRest(stream: Readable, most: number): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of stream.iterator(LEFT_OPEN)) {
      size += Buffer.byteLength(chunk);
      if (size > most) return;
    }
  } catch {
    // Cut off: nobody waits for the answer.
  }
}
