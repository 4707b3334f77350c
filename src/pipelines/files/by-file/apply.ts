import { clean, impersonal } from '../../../destinations/extole/classify.ts';
import { type Definition, parseStoredDefinition } from '../../../jobs/definition.ts';
import { openAnswerSheet } from '../../../ledger/answer-sheet.ts';
import { getProcessing } from '../../../ledger/processings.ts';
import { findEventName, getDefinition } from '../../../ledger/registry.ts';
import type { AnswerCounts } from '../../../ledger/upload-answers.ts';
import { answerRows, createRowFinder, holdRest, type RowAnswer } from '../../../ledger/upload-rows.ts';
import type { Upload } from '../../../ledger/uploads.ts';
import { keyedHash } from '../context.ts';
import type { CarrierContext } from './carrier.ts';
import { ledgerName } from './event-names.ts';
import { type Interpreted, interpret, type ResultLine } from './interpret.ts';
import { endsWithLine } from './records.ts';

/**
 * What became of a results file. `incomplete`: it may still be half written, and nothing was applied. `applied`: `changed` rows got
 * their answer. `refused` and `unreadable` hold every row that is still on its way.
 */
export type Applied =
  | { kind: 'incomplete' }
  | { kind: 'applied'; counts: AnswerCounts; changed: number }
  | { kind: 'refused' | 'unreadable'; code: string; reason: string; changed: number };

/**
 * Reads a results file of Extole and writes down what it says of each row. `settled`: it does not change any more, so what it lacks
 * is missing; else nothing is applied unless it speaks of every row.
 */
export async function applyResults(
  ctx: CarrierContext,
  upload: Upload,
  file: { path: string; name: string; settled: boolean },
): Promise<Applied> {
  const { results } = ctx.job.destination.extole.upload;
  const { format, columns } = upload;
  const torn = !(await endsWithLine(file.path));
  const { definitionId } = getProcessing(ctx.ledger, upload.processingId);
  const definition = parseStoredDefinition(getDefinition(ctx.ledger, definitionId).body);
  const { keyField } = definition.destination;
  const read = await interpret(file.path, { format, columns, keyField }, results);
  if (read.kind === 'rows') return applyLines(ctx, upload, file, torn, read, definition);
  if (!file.settled) return { kind: 'incomplete' };
  // Whether the rows came nobody can read, and the links will tell.
  if (read.kind === 'unreadable' && ctx.linkProves)
    return { kind: read.kind, ...unreadable(file.name, read.why), changed: 0 };
  const why = read.kind === 'refused' ? refusalOf(upload, read.message) : unreadable(file.name, read.why);
  const changed = holdRest(ctx.ledger, upload, why, ctx.io.now());
  return { kind: read.kind, ...why, changed };
}

function refusalOf(upload: Upload, message: string): { code: string; reason: string } {
  const said = impersonal(clean(message)) || 'no reason was given';
  if (/duplicate/i.test(message))
    return {
      code: 'EXTOLE_DUPLICATE_FILE',
      reason: `Extole took ${upload.name} for one that it had before: ${said}; look in My Extole whether its rows were accepted`,
    };
  return { code: 'EXTOLE_FILE_REFUSED', reason: `Extole refused ${upload.name} as a whole: ${said}` };
}

function unreadable(name: string, why: string): { code: string; reason: string } {
  return { code: 'RESULTS_UNREADABLE', reason: `the results file ${clean(name)} cannot be understood: ${why}` };
}

async function applyLines(
  ctx: CarrierContext,
  upload: Upload,
  { name, settled }: { name: string; settled: boolean },
  torn: boolean,
  read: Extract<Interpreted, { kind: 'rows' }>,
  definition: Definition,
): Promise<Applied> {
  const { ledger, io } = ctx;
  const sheet = openAnswerSheet(ledger);
  const find = createRowFinder(ledger, upload);
  const hash = keyedHash(ledger);
  const eventNames = new Map<string, number | undefined>();
  const counts: AnswerCounts = { lines: 0, succeeded: 0, failed: 0, unknown: 0, repeated: 0, unclear: 0 };

  const rowOf = ({ eventName, key }: ResultLine): number | undefined => {
    if (!eventNames.has(eventName))
      eventNames.set(eventName, findEventName(ledger, ctx.destination.identity, ledgerName(definition, eventName)));
    const id = eventNames.get(eventName);
    return id === undefined ? undefined : find(id, Buffer.from(hash(key), 'hex'));
  };
  try {
    for await (const lines of read.lines()) {
      const answers: { id: number; answer: RowAnswer }[] = [];
      for (const line of lines) {
        counts.lines++;
        const id = rowOf(line);
        if (id === undefined) counts.unknown++;
        else answers.push({ id, answer: answerOf(line, name) });
      }
      for (const [i, first] of sheet.add(answers).entries()) {
        const { kind } = answers[i]?.answer ?? { kind: 'unclear' };
        if (!first) counts.repeated++;
        else if (kind === 'accepted') counts.succeeded++;
        else if (kind === 'rejected') counts.failed++;
        else counts.unclear++;
      }
      ctx.signal.throwIfAborted();
    }
    const clashes = sheet.clashes();
    const whole = !torn && clashes === 0 && counts.unclear === 0 && sheet.missing(upload) === 0;
    if (!settled && !whole) return { kind: 'incomplete' };
    counts.unclear += clashes;
    let changed = 0;
    for (const batch of sheet.batches()) {
      const clear = ctx.linkProves ? batch.filter(({ answer }) => answer.kind === 'rejected') : batch;
      changed += answerRows(ledger, upload, clear, io.now());
      ctx.crashPoint('results-read');
    }
    const overruled = sheet.overruled();
    return { kind: 'applied', counts: overruled === 0 ? counts : { ...counts, overruled }, changed };
  } finally {
    sheet.clear();
  }
}

function answerOf({ line, verdict }: ResultLine, file: string): RowAnswer {
  switch (verdict.kind) {
    case 'success':
      return { kind: 'accepted', proof: 'row_result', eventId: `${file}:${line}` };
    case 'failure':
      return {
        kind: 'rejected',
        code: verdict.code,
        reason: impersonal(clean(verdict.message)) || 'Extole refused the row and gave no reason',
      };
    case 'unclear':
      return {
        kind: 'unclear',
        code: 'RESULTS_UNREADABLE',
        reason: `line ${line} of Extole's results ${clean(file)} cannot be understood: found ${JSON.stringify(impersonal(clean(verdict.found)).slice(0, 40))} where it says whether the row was accepted`,
      };
  }
}
