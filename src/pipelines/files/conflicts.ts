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
  /** Empty where the staged copy is encrypted. */
  key: string;
}

/** Conflicts within a file that wait for a person: how many rows, and the first few. Nothing where the staged copy is gone. */
export async function openConflicts(
  ledger: Ledger,
  staging: string,
  file: { processing: number; name: string; openedAt: number },
  definition: Definition,
  most: number,
): Promise<{ rows: number; conflicts: OpenConflict[] }> {
  const paths = stagedPaths(staging, file.processing);
  if (!existsSync(paths.index) || !readSeal(paths.seal)) return { rows: 0, conflicts: [] };
  const groups = new Map<string, number[]>();
  const book = openBook(ledger, file.processing);
  const index = openRowIndex(paths.index);
  let rows = 0;
  try {
    for (const block of index.blocks()) {
      const own = book.range(file.processing, block.line(0), block.line(block.count - 1));
      for (let i = 0; i < block.count; i++) {
        if (block.verdict(i) !== VERDICT.conflict || own.has(block.line(i))) continue;
        rows++;
        const id = `${block.eventName(i)} ${block.keyHash(i).toString('hex')}`;
        const lines = groups.get(id);
        if (lines) lines.push(block.line(i));
        else if (groups.size < most) groups.set(id, [block.line(i)]);
      }
    }
  } finally {
    index.close();
  }
  const first = [...groups.values()].map((lines) => lines[0] ?? 0);
  const keys = definition.encrypted ? new Map<number, string>() : await keysOf(paths.input, file, definition, first);
  return { rows, conflicts: [...groups.values()].map((lines) => ({ lines, key: keys.get(lines[0] ?? 0) ?? '' })) };
}

/** Reads no further than the last of the lines. */
async function keysOf(
  path: string,
  file: { name: string; openedAt: number },
  definition: Definition,
  lines: readonly number[],
): Promise<Map<number, string>> {
  const keys = new Map<number, string>();
  const last = Math.max(0, ...lines);
  if (last === 0 || !existsSync(path)) return keys;
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
  return keys;
}
