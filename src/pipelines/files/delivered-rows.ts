import { parseStoredDefinition } from '../../jobs/definition.ts';
import { openBook } from '../../ledger/deliveries.ts';
import { getDefinition } from '../../ledger/registry.ts';
import { requiredColumns } from '../../mapping/compile.ts';
import { openRows } from '../../parsing/open.ts';
import type { PgpKeys } from '../../parsing/pgp-keys.ts';
import type { RunContext, StagedPaths } from './context.ts';
import { createCursor } from './cursor.ts';
import { mapperFor } from './mapper.ts';
import { openRowIndex } from './row-index.ts';
import { type Seal, sealFile } from './seal.ts';
import { stagedFile } from './staged-file.ts';

/** A file of which delivered rows are read: those that were answered later than `after`, milliseconds since 1970. */
interface FileToRead {
  processing: number;
  name: string;
  definitionId: number;
  openedAt: number;
  after: number;
}

interface Reading {
  paths: StagedPaths;
  keys: PgpKeys | undefined;
  /** Names of the events that count; absent: all. */
  events: readonly string[] | undefined;
  blank?: () => void;
}

/**
 * What delivered rows of a file say, as they were mapped when it was taken, batch by batch: out of its staged copy, since the ledger does not know
 * who they are of. `blank` is called for each that cannot be mapped any more. Throws `FileRefused` and `TransferError`
 * where it cannot be read.
 */
export async function* deliveredRows(
  ctx: Pick<RunContext, 'ledger' | 'signal' | 'progress' | 'crashPoint'>,
  file: FileToRead,
  { paths, keys, events, blank }: Reading,
): AsyncGenerator<Readonly<Record<string, string>>[]> {
  const definition = parseStoredDefinition(getDefinition(ctx.ledger, file.definitionId).body);
  const seal = await sealFile({ ...ctx, keys }, { definition, paths, processing: file });
  const book = openBook(ctx.ledger, file.processing);
  const index = openRowIndex(paths.index);
  try {
    const reader = await openRows(
      stagedFile({ keys }, definition, paths.input, file.name),
      definition.file,
      requiredColumns(definition.event),
      ctx.signal,
    );
    const cursor = createCursor(index.blocks(true));
    const mapper = mapperFor(definition.event, { fileName: file.name, now: file.openedAt });
    for await (const batch of reader.batches()) {
      const [first, last] = [batch[0]?.line, batch.at(-1)?.line];
      if (first === undefined || last === undefined) continue;
      const map = mapper(reader.columns);
      const known = book.range(file.processing, first, last);
      const found: Readonly<Record<string, string>>[] = [];
      for (const row of batch) {
        const { block, i } = cursor.next(row.line);
        const delivery = known.get(row.line);
        if (delivery?.state !== 'delivered' || delivery.at <= file.after) continue;
        if (events && !events.includes(nameOf(seal, block.eventName(i)))) continue;
        const mapped = map(row.values, row.line);
        if (mapped.ok) found.push(mapped.event.data);
        else blank?.();
      }
      if (found.length > 0) yield found;
    }
  } finally {
    index.close();
  }
}

const nameOf = (seal: Seal, at: number): string => seal.eventNames[at] ?? '';
