import { existsSync } from 'node:fs';
import type { Definition } from '../../jobs/definition.ts';
import { openBook } from '../../ledger/deliveries.ts';
import type { Ledger } from '../../ledger/open.ts';
import { compileMapping, requiredColumns } from '../../mapping/compile.ts';
import { openRows } from '../../parsing/open.ts';
import { stagedPaths } from './context.ts';
import { readingOf } from './disagreement.ts';
import { openRowIndex, VERDICT } from './row-index.ts';
import { readSeal } from './seal.ts';

/** Rows of a file that want the same key, of which nobody has picked one. */
export interface OpenConflict {
  lines: number[];
  /** Of members: the segment. */
  eventName: string;
  keyHash: Buffer;
}

/** How many rows of a file are in conflict with each other, and the first few keys. */
export interface OpenConflicts {
  rows: number;
  conflicts: OpenConflict[];
}

/** Conflicts within a file that nobody has decided on, of `most` keys. None where the staged copy is gone. `counts`: of which event names. */
export function openConflicts(
  ledger: Ledger,
  staging: string,
  processing: number,
  most: number,
  counts: (eventName: string) => boolean = () => true,
): OpenConflicts {
  const paths = stagedPaths(staging, processing);
  const seal = existsSync(paths.index) ? readSeal(paths.seal) : undefined;
  if (!seal) return { rows: 0, conflicts: [] };
  const found = new Map<string, OpenConflict>();
  const counted = seal.eventNames.map(counts);
  const book = openBook(ledger, processing);
  const index = openRowIndex(paths.index);
  let rows = 0;
  try {
    for (const block of index.blocks()) {
      const own = book.range(processing, block.line(0), block.line(block.count - 1));
      for (let i = 0; i < block.count; i++) {
        if (block.verdict(i) !== VERDICT.conflict || own.has(block.line(i)) || counted[block.eventName(i)] === false)
          continue;
        rows++;
        const id = `${block.eventName(i)} ${block.keyHash(i).toString('hex')}`;
        const known = found.get(id);
        if (known) known.lines.push(block.line(i));
        else if (found.size < most) {
          const eventName = seal.eventNames[block.eventName(i)] ?? '';
          found.set(id, { lines: [block.line(i)], eventName, keyHash: Buffer.from(block.keyHash(i)) });
        }
      }
    }
  } finally {
    index.close();
  }
  return { rows, conflicts: [...found.values()] };
}

/** The keys of conflicts, from the staged copy; keys[i] is of conflicts[i], empty where the copy is encrypted. Reads no further than it must. */
export async function keysOf(
  staging: string,
  file: { processing: number; name: string; openedAt: number },
  definition: Definition,
  conflicts: readonly OpenConflict[],
): Promise<string[]> {
  const { input: path } = stagedPaths(staging, file.processing);
  const lines = conflicts.map(({ lines: [first = 0] }) => first);
  const last = Math.max(0, ...lines);
  if (definition.encrypted || last === 0 || !existsSync(path)) return lines.map(() => '');
  const keys = new Map<number, string>();
  const { event } = definition;
  const never = new AbortController().signal;
  const reader = await openRows({ path, name: file.name }, readingOf(definition), requiredColumns(event), never);
  const wanted = new Set(lines);
  for await (const batch of reader.batches()) {
    const map = compileMapping(event, reader.columns, { fileName: file.name, now: file.openedAt });
    for (const row of batch) {
      if (!wanted.has(row.line)) continue;
      const mapped = map(row.values, row.line);
      if (mapped.ok) keys.set(row.line, mapped.event.key);
    }
    if ((batch.at(-1)?.line ?? 0) >= last) break;
  }
  return lines.map((line) => keys.get(line) ?? '');
}
