import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { requiredColumns } from '../../mapping/compile.ts';
import { eventNames } from '../../mapping/event-name.ts';
import { ACTION, type MemberRows } from '../../mapping/member-settings.ts';
import { checksumKind } from '../../parsing/manifest.ts';
import { openRows } from '../../parsing/open.ts';
import { createMemberSpool, type MemberSpool, PARTS } from '../../segments/spool.ts';
import type { FilePass, RunContext } from '../files/context.ts';
import { createCursor } from '../files/cursor.ts';
import { readingOf } from '../files/disagreement.ts';
import { keepHeapSmall } from '../files/heap.ts';
import { mapperFor } from '../files/mapper.ts';
import { openRowIndex, VERDICT } from '../files/row-index.ts';
import type { Seal } from '../files/seal.ts';
import { stagedFile } from '../files/staged-file.ts';
import type { WantedMembers } from './sync.ts';

/** Bytes that the members of a file may take in memory before they go to disk, over all of its segments. */
const IN_MEMORY = 16 * 1024 * 1024;
const LEAST_CHUNK = 2048;

/** What a file wants of each of its segments. Closing gives the disk back. */
export interface WantedSegments extends Disposable {
  bySegment: ReadonlyMap<string, WantedMembers>;
}

/** The file, under the definition that it is read by. */
export type WantedFile = Pick<FilePass, 'definition' | 'paths'> & {
  processing: Pick<FilePass['processing'], 'id' | 'name' | 'openedAt'>;
};

/**
 * Reads a sealed file once more and sorts its members, each once, by segment. Rows that the seal judged otherwise are none. `emptied`: segments
 * without a row that are wanted all the same.
 */
export async function gatherWanted(
  ctx: Pick<RunContext, 'keys' | 'signal'>,
  { processing, definition, paths }: WantedFile,
  seal: Seal,
  rows: MemberRows,
  emptied: readonly string[] = [],
): Promise<WantedSegments> {
  const names = [...new Set([...eventNames(rows, processing.name), ...seal.eventNames])].filter((name) => name !== '');
  const chunk = Math.max(LEAST_CHUNK, Math.floor(IN_MEMORY / PARTS / Math.max(1, names.length)));
  const spools = new Map<string, { add: MemberSpool; remove: MemberSpool }>();
  const spoolOf = (segment: string): { add: MemberSpool; remove: MemberSpool } => {
    const known = spools.get(segment);
    if (known) return known;
    const path = (action: string): string => join(paths.folder, `members-${processing.id}-${spools.size}-${action}`);
    const made = { add: createMemberSpool(path('add'), chunk), remove: createMemberSpool(path('remove'), chunk) };
    spools.set(segment, made);
    return made;
  };
  const close = (): void => {
    for (const { add, remove } of spools.values()) for (const each of [add, remove]) each.close();
  };
  // A segment that the file is about by its name, or by the job, is wanted even where no row is of it: as an empty one.
  const alone = rows.nameFrom === 'column' ? [] : eventNames(rows, processing.name);
  for (const name of [...alone, ...emptied]) spoolOf(name);
  const drained = new Set<string>();
  // A line end stands behind the last row.
  let ended = false;
  const index = openRowIndex(paths.index);
  try {
    const reader = await openRows(
      stagedFile(ctx, definition, paths.input, processing.name),
      readingOf(definition),
      requiredColumns(rows),
      ctx.signal,
    );
    const cursor = createCursor(index.blocks(true));
    const mapper = mapperFor(rows, { fileName: processing.name, now: processing.openedAt });
    let end = 0;
    for await (const batch of reader.batches()) {
      const map = mapper(reader.columns);
      for (const row of batch) {
        end = row.offset + row.length;
        const { block, i } = cursor.next(row.line);
        if (block.verdict(i) !== VERDICT.candidate) continue;
        const mapped = map(row.values, row.line);
        if (!mapped.ok) throw new Error(`line ${row.line} passed the check before and does not now: ${mapped.code}`);
        const { eventName, key, data } = mapped.event;
        const spool = spoolOf(eventName);
        (data[ACTION] === 'add' ? spool.add : spool.remove).add(key);
        if (data[ACTION] === 'drain') drained.add(eventName);
      }
      ctx.signal.throwIfAborted();
      keepHeapSmall();
    }
    ended = reader.summary().bytes > end;
  } catch (error) {
    close();
    throw error;
  } finally {
    index.close();
  }
  const vouched = definition.file.trailer !== undefined || vouchedBeside(definition, paths, ended);
  const bySegment = new Map<string, WantedMembers>();
  for (const [segment, { add, remove }] of spools) {
    bySegment.set(segment, {
      kind: rows.kind,
      listed: add.added + remove.added,
      vouched,
      drained: drained.has(segment),
      part: (n) => ({ add: add.part(n), remove: rows.kind === 'snapshot' ? 'rest' : remove.part(n) }),
    });
  }
  return { bySegment, [Symbol.dispose]: close };
}

/**
 * The reader has compared the file with its trailer, and with what lay beside it. A count finds a last row that was cut off no different from a
 * whole one.
 */
function vouchedBeside({ manifest }: WantedFile['definition'], paths: WantedFile['paths'], ended: boolean): boolean {
  return manifest !== undefined && existsSync(paths.manifest) && (ended || checksumKind(manifest) !== undefined);
}
