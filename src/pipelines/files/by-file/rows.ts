import type { Claim, Delivery, DeliveryBook } from '../../../ledger/deliveries.ts';
import { eventNameId } from '../../../ledger/registry.ts';
import { requiredColumns } from '../../../mapping/compile.ts';
import type { EventRecord, InputRow } from '../../../model.ts';
import { openRows } from '../../../parsing/open.ts';
import type { FilePass, RunContext } from '../context.ts';
import { createCursor } from '../cursor.ts';
import { mapperFor } from '../mapper.ts';
import { openRowIndex } from '../row-index.ts';
import type { Seal } from '../seal.ts';
import { stagedFile } from '../staged-file.ts';
import { whichRows } from '../which-rows.ts';

/** A row that goes in this pass (`due`), or that is on its way already, with what the ledger knows of it. */
export interface CandidateRow {
  event: EventRecord;
  claim: Claim;
  values: InputRow['values'];
  prior: Delivery | undefined;
  due: boolean;
}

/** Such rows of a sealed file, in batches, in order. `columns` names the input's columns, as far as read. `retryOnly`: as in `whichRows`. */
export async function* candidateRows(
  ctx: RunContext,
  { processing, paths, definition }: FilePass,
  seal: Seal,
  book: DeliveryBook,
  retryOnly: boolean,
): AsyncGenerator<{ rows: CandidateRow[]; columns: readonly string[]; first: number; last: number }> {
  const index = openRowIndex(paths.index);
  try {
    const eventIds = seal.eventNames.map((name) =>
      name === '' ? 0 : eventNameId(ctx.ledger, processing.destinationId, name),
    );
    const reader = await openRows(
      stagedFile(ctx, definition, paths.input, processing.name),
      definition.file,
      requiredColumns(definition.event),
      ctx.signal,
    );
    const goes = whichRows(ctx, processing, retryOnly);
    const cursor = createCursor(index.blocks(true));
    const mapper = mapperFor(definition.event, { fileName: processing.name, now: processing.openedAt });
    for await (const batch of reader.batches()) {
      const first = batch[0]?.line;
      const last = batch.at(-1)?.line;
      if (first === undefined || last === undefined) continue;
      const map = mapper(reader.columns);
      const priors = book.range(processing.id, first, last);
      const rows: CandidateRow[] = [];
      for (const row of batch) {
        const { block, i } = cursor.next(row.line);
        const prior = priors.get(row.line);
        const due = goes(block.verdict(i), prior, block.orderHash(i));
        if (!due && prior?.state !== 'claimed') continue;
        const mapped = map(row.values, row.line);
        if (!mapped.ok) throw new Error(`line ${row.line} passed the check before and does not now: ${mapped.code}`);
        const claim: Claim = {
          line: row.line,
          eventNameId: eventIds[block.eventName(i)] ?? 0,
          key: mapped.event.key,
          keyHash: block.keyHash(i),
          contentHash: block.contentHash(i),
          orderHash: block.orderHash(i),
          ...(prior ? { prior } : {}),
        };
        rows.push({ event: mapped.event, claim, values: row.values, prior, due });
      }
      yield { rows, columns: reader.columns, first, last };
    }
  } finally {
    index.close();
  }
}
