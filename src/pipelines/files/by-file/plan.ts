import type { DeliveryBook } from '../../../ledger/deliveries.ts';
import { planUpload, type Upload } from '../../../ledger/uploads.ts';
import { fieldsOf } from '../../../mapping/compile.ts';
import type { FileLane } from '../../../model.ts';
import type { FilePass, RunContext } from '../context.ts';
import type { Seal } from '../seal.ts';
import { createFormatChoice, isWritable, uploadColumns, uploadName } from './dialect.ts';
import { uploadedAs } from './event-names.ts';
import { candidateRows } from './rows.ts';
import { whoWaits } from './waits.ts';

/**
 * Reads the file once and settles what the uploaded one will be called, how it is written and which columns it has. `undefined`:
 * there is no row to send.
 */
export async function planNextUpload(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  book: DeliveryBook,
  lane: FileLane,
  retryOnly: boolean,
): Promise<Upload | undefined> {
  const { processing, definition } = pass;
  const { upload: settings, account } = ctx.job.destination.extole;
  const choice = createFormatChoice(settings.quotes);
  const fields = new Set(fieldsOf(definition.event));
  const eventNames = new Set<string>();
  const waits = whoWaits(ctx, processing);
  let rows = 0;
  for await (const batch of candidateRows(ctx, pass, seal, book, retryOnly)) {
    for (const row of batch.rows) {
      // A file of nothing but rows that wait is not begun: each run would begin another one.
      if (!row.due || waits(row)) continue;
      rows++;
      const { data, key, eventName } = row.event;
      eventNames.add(uploadedAs(definition) ?? eventName);
      for (const name of Object.keys(data)) fields.add(name);
      choice.add([key, eventName, ...Object.values(data)]);
    }
    ctx.signal.throwIfAborted();
    ctx.progress({ file: processing.name, phase: 'checking', done: rows, total: seal.candidates, unit: 'rows' });
  }
  if (rows === 0) return undefined;
  const format = choice.format();
  const columns = uploadColumns([...fields], definition.destination.keyField).filter((name) =>
    isWritable(name, format, 'refuse'),
  );
  const now = ctx.io.now();
  const upload = planUpload(ctx.ledger, { processingId: processing.id, lane, format, columns, now }, (part) =>
    uploadName({
      clientId: settings.clientId ?? account,
      eventNames: [...eventNames],
      at: now,
      ledger: ctx.ledger.id,
      processing: processing.id,
      part,
      format,
    }),
  );
  ctx.crashPoint('upload-named');
  return upload;
}
