import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileRefused } from '../../src/model.ts';

/** Takes decisions from the first bytes of an input, so that one input is a whole case. */
export interface Take {
  /** A whole number from 0 to `below` - 1. */
  number(below: number): number;
  pick<T>(choices: readonly [T, ...T[]]): T;
  /** Everything that is left. */
  rest(): Buffer;
}

export function takeFrom(data: Buffer): Take {
  let at = 0;
  const number = (below: number): number => {
    const byte = data[at] ?? 0;
    at++;
    return byte % below;
  };
  return {
    number,
    pick: (choices) => choices[number(choices.length)] ?? choices[0],
    rest: () => data.subarray(Math.min(at, data.length)),
  };
}

/** The bytes in chunks of the given sizes, over and over. */
export async function* inChunks(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
    if (size === 0 && i > bytes.length * 4) return;
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

export type Outcome<T> = { ok: true; value: T } | { ok: false; refusal: FileRefused };

/** What became of a reading: its value, or the refusal of the file. Any other error is a defect, and is thrown on. */
export async function outcome<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    if (!/^[A-Z][A-Z0-9_]+$/.test(error.code) || error.message === '')
      throw new Error(`a refusal without a code or a message: ${error.code} "${error.message}"`, { cause: error });
    return { ok: false, refusal: error };
  }
}

const folders: string[] = [];

/** A folder for one target's files: whoever runs the targets removes it, or it goes with the process. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'referry-fuzz-'));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}
process.on('exit', removeFolders);

/** A statement about the program that must hold. */
export function must(holds: boolean, statement: string, ...shown: unknown[]): asserts holds {
  if (!holds)
    throw new Error(
      `${statement}${shown.length > 0 ? `: ${shown.map((each) => JSON.stringify(each)).join(' | ')}` : ''}`,
    );
}

/** Characters that could end a line, act on a terminal or turn the text around. */
export const ACTING = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
