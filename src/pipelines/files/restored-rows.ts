import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Claim, openBook, type Settled } from '../../ledger/deliveries.ts';
import { type Processing, updateProcessing } from '../../ledger/processings.ts';
import { eventNameId } from '../../ledger/registry.ts';
import { holdRestored, type KnownOutcome, takeOutcomesOver } from '../../ledger/restored.ts';
import { requiredColumns } from '../../mapping/compile.ts';
import type { EventRecord, InputRow, RemoteFile } from '../../model.ts';
import { openRows } from '../../parsing/open.ts';
import { openText } from '../../parsing/text.ts';
import { fittingName } from '../../remotes/names.ts';
import { resultsName } from '../../reports/results.ts';
import { isRevisionOf, openResults, type ResultsLine, type ResultsReader } from '../../reports/results-reader.ts';
import type { FilePass, RunContext } from './context.ts';
import type { RowCourse } from './course.ts';
import { createCursor } from './cursor.ts';
import { readingOf } from './disagreement.ts';
import { mapperFor } from './mapper.ts';
import { contentComparer, lostToOwner } from './ownership.ts';
import { listOrNone } from './restored-files.ts';
import { openRowIndex, VERDICT } from './row-index.ts';
import type { Seal } from './seal.ts';
import { stageBytes } from './stage.ts';
import { stagedFile } from './staged-file.ts';
import { createTextCursor } from './text-cursor.ts';

const REASON =
  'the ledger was restored from a backup, and no results say what became of this row since; it may have been delivered';

/**
 * Instead of sending: finds out what became of the rows of a file in the time that a restored ledger knows nothing of. What results
 * files of that time say is taken over, every other row is held as `LEDGER_RESTORED`. Every step can be repeated.
 */
export async function recoverRows(ctx: RunContext, pass: FilePass, seal: Seal): Promise<void> {
  const { processing, paths } = pass;
  const local = join(paths.folder, 'results.found');
  if (ctx.course) {
    await recoverByCourse(ctx, ctx.course, pass, seal);
    ctx.crashPoint('rows-held');
    updateProcessing(ctx.ledger, processing.id, { restored: 0 });
    return;
  }
  for (const file of await resultsOf(ctx, processing, seal)) {
    await stageBytes(ctx.remote.read(file, ctx.signal), file, local, () => {});
    // Twice over the whole file: before one line is believed, all of it must be of this input.
    if (await isOfThisInput(ctx, pass, seal, local)) await takeOver(ctx, pass, seal, local);
    await rm(local);
    ctx.crashPoint('outcomes-taken-over');
  }
  // A file that was held as a whole before the backup stays so, and its rows own no keys. What can be asked for again is.
  const isHeld = seal.held && processing.state === 'closed';
  if (!isHeld && !ctx.destination.repeatable) await holdTheRest(ctx, pass, seal);
  ctx.crashPoint('rows-held');
  updateProcessing(ctx.ledger, processing.id, { restored: 0 });
}

/** Where rows are no deliveries of their own: what the newest results of the file say goes to those who know what they are. */
async function recoverByCourse(ctx: RunContext, course: RowCourse, pass: FilePass, seal: Seal): Promise<void> {
  const newest = join(pass.paths.folder, 'results.newest');
  const local = join(pass.paths.folder, 'results.found');
  let found = false;
  for (const file of await resultsOf(ctx, pass.processing, seal)) {
    await stageBytes(ctx.remote.read(file, ctx.signal), file, local, () => {});
    if (!(await isOfThisInput(ctx, pass, seal, local))) continue;
    await rename(local, newest);
    found = true;
  }
  await course.recover(ctx, pass, seal, found ? linesBeside(ctx, pass, seal, newest) : undefined);
  for (const path of [local, newest]) await rm(path, { force: true });
}

/** Results of this name, oldest first: what a later one says of a row counts more. */
async function resultsOf(ctx: RunContext, processing: Processing, seal: Seal): Promise<RemoteFile[]> {
  const first = resultsName(fittingName(processing.name), 1, seal.json);
  return (await listOrNone(ctx, ctx.job.report.to)).filter(({ name }) => isRevisionOf(name, first));
}

/** The index of the file beside its text and the results: each row with what the results say of it, as far as they match. */
async function* linesBeside(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  path: string,
): AsyncGenerator<ResultsLine | undefined> {
  const { paths, definition, root } = pass;
  const index = openRowIndex(paths.index);
  const text = createTextCursor(openText(stagedFile(ctx, definition, paths.input, root.name), definition.file));
  let results: ResultsReader | undefined;
  const slice = async (offset: number, length: number): Promise<Buffer> => {
    for (;;) {
      const found = text.peek(offset, length);
      if (found) return found;
      await text.more();
    }
  };
  try {
    const header = seal.header && Buffer.from(await slice(seal.header.offset, seal.header.length));
    const layout = { delimiter: seal.delimiter, json: seal.json };
    results = await openResults(path, header ? { ...layout, header } : layout);
    if (!results) return yield undefined;
    for (const block of index.blocks()) {
      for (let i = 0; i < block.count; i++) {
        const found = await results.next(block.line(i), await slice(block.offset(i), block.length(i)));
        yield found;
        if (!found) return;
      }
      ctx.signal.throwIfAborted();
    }
    if (!(await results.atEnd())) yield undefined;
  } finally {
    index.close();
    await text.close();
    await results?.close();
  }
}

async function isOfThisInput(ctx: RunContext, pass: FilePass, seal: Seal, path: string): Promise<boolean> {
  for await (const line of linesBeside(ctx, pass, seal, path)) if (!line) return false;
  return true;
}

async function takeOver(ctx: RunContext, pass: FilePass, seal: Seal, path: string): Promise<void> {
  const lines = linesBeside(ctx, pass, seal, path);
  let checkedAt: number | undefined;
  try {
    for await (const batch of claimsOf(ctx, pass, seal)) {
      const known: KnownOutcome[] = [];
      const got: { event: EventRecord; eventId: string; at: number }[] = [];
      for (const { claim, verdict, event } of batch) {
        const line = (await lines.next()).value;
        if (verdict !== VERDICT.candidate && line) checkedAt ??= line.at;
        const outcome = claim && line && outcomeOf(claim, line);
        if (outcome) known.push(outcome);
        if (event && outcome?.state === 'delivered') got.push({ event, eventId: outcome.eventId, at: outcome.at });
      }
      ctx.destination.recover?.(got);
      takeOutcomesOver(ctx.ledger, pass.processing.id, known);
    }
  } finally {
    await lines.return(undefined);
  }
  // When the file was checked is told of rows that the check decided: so results come out as they were.
  if (checkedAt !== undefined && checkedAt < (pass.root.sealedAt ?? 0))
    updateProcessing(ctx.ledger, pass.processing.id, { sealedAt: checkedAt });
}

/** Only what is final at the destination, or was decided: a row that was failed or held then may have gone on since. */
function outcomeOf(claim: Claim, line: ResultsLine): KnownOutcome | undefined {
  const { outcome: state, code, reason, eventId, attempts, at } = line;
  if (state !== 'delivered' && state !== 'rejected' && state !== 'conflict') return undefined;
  if (state === 'conflict' && code === 'CONFLICT_IN_FILE') return undefined;
  return { claim, state, code, reason, eventId, attempts, at };
}

async function holdTheRest(ctx: RunContext, pass: FilePass, seal: Seal): Promise<void> {
  const { processing } = pass;
  const { ledger, io } = ctx;
  const book = openBook(ledger, processing.id);
  let columns: readonly string[] = [];
  const sameContent = contentComparer(ctx, pass, () => columns);
  for await (const batch of claimsOf(ctx, pass, seal)) {
    const toHold: Claim[] = [];
    const settled: Settled[] = [];
    const first = batch[0]?.line ?? 0;
    const own = book.range(processing.id, first, batch.at(-1)?.line ?? first);
    for (const { claim, values, line, ...row } of batch) {
      columns = row.columns;
      const state = own.get(line)?.state;
      if (!claim || row.verdict !== VERDICT.candidate || state === 'delivered') continue;
      const owner = state === undefined ? book.owner(claim.eventNameId, claim.keyHash) : undefined;
      if (!owner) toHold.push(claim);
      else {
        const lost = lostToOwner(claim, owner, sameContent({ claim, values }, owner), processing.id);
        if (lost) settled.push(lost);
      }
    }
    holdRestored(ledger, processing.id, toHold, REASON, io.now());
    if (settled.length > 0) book.commit([], settled, [], io.now());
  }
}

interface Claimed {
  line: number;
  verdict: number;
  columns: readonly string[];
  values: InputRow['values'];
  /** Absent for rows that the check of the file rejected. */
  claim?: Claim;
  event?: EventRecord;
}

/** The rows of the file in order, as claims on their keys. */
async function* claimsOf(ctx: RunContext, pass: FilePass, seal: Seal): AsyncGenerator<Claimed[]> {
  const { processing, paths, definition } = pass;
  const index = openRowIndex(paths.index);
  const ids = seal.eventNames.map((name) =>
    name === '' ? 0 : eventNameId(ctx.ledger, processing.destinationId, name),
  );
  try {
    const reader = await openRows(
      stagedFile(ctx, definition, paths.input, processing.name),
      readingOf(definition),
      requiredColumns(definition.event),
      ctx.signal,
    );
    const cursor = createCursor(index.blocks(true));
    const mapper = mapperFor(definition.event, { fileName: processing.name, now: processing.openedAt });
    for await (const batch of reader.batches()) {
      const map = mapper(reader.columns);
      yield batch.map(({ line, values }): Claimed => {
        const { block, i } = cursor.next(line);
        const verdict = block.verdict(i);
        const row = { line, verdict, values, columns: reader.columns };
        if (verdict === VERDICT.rejected) return row;
        const mapped = map(values, line);
        if (!mapped.ok) throw new Error(`line ${line} passed the check before and does not now: ${mapped.code}`);
        const { key } = mapped.event;
        const eventName = ids[block.eventName(i)] ?? 0;
        const hashes = { keyHash: block.keyHash(i), contentHash: block.contentHash(i), orderHash: block.orderHash(i) };
        return { ...row, claim: { line, eventNameId: eventName, key, ...hashes }, event: mapped.event };
      });
    }
  } finally {
    index.close();
  }
}
