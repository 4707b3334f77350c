import { join } from 'node:path';
import { LINES, openBook } from '../../ledger/deliveries.ts';
import { deliveryCounts } from '../../ledger/processings.ts';
import { rowsSentAgain } from '../../ledger/sent-again.ts';
import { uploadsOf } from '../../ledger/uploads.ts';
import type { FileAccount, Notice, Proof } from '../../model.ts';
import { openText } from '../../parsing/text.ts';
import { balanceOfFile } from '../../reports/balance.ts';
import { resultsFormat } from '../../reports/results.ts';
import { createResultsFile, keepEncrypted, type ResultsSummary } from '../../reports/results-file.ts';
import { createTally } from '../../reports/tally.ts';
import type { FilePass, RunContext } from './context.ts';
import { createFates, type Fates } from './fates.ts';
import { keepHeapSmall } from './heap.ts';
import { localBytes } from './local-bytes.ts';
import { openRowIndex } from './row-index.ts';
import type { Seal } from './seal.ts';
import { stagedFile } from './staged-file.ts';
import { createTextCursor, type TextCursor } from './text-cursor.ts';

/**
 * Goes over the file once more and says of each row what became of it: from the staged file, the stored definition and the
 * ledger alone. Writes the results file (line for line, in input order) and adds the account up. Where a row is open,
 * there is an account and no results file.
 */
export async function settleFile(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
): Promise<{ account: FileAccount; results?: ResultsSummary }> {
  const { root, definition, paths } = pass;
  const staged = stagedFile(ctx, definition, paths.input, root.name);
  const text = createTextCursor(openText(staged, definition.file));
  const reasons = createTextCursor(localBytes(paths.reasons));
  const index = openRowIndex(paths.index);
  try {
    return await settleRows(ctx, pass, seal, { index, text, reasons });
  } finally {
    index.close();
    await text.close();
    await reasons.close();
  }
}

/** What lies beside the staged file, and its own text. */
interface Beside {
  index: ReturnType<typeof openRowIndex>;
  text: TextCursor;
  reasons: TextCursor;
}

async function settleRows(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  { index, text, reasons }: Beside,
): Promise<{ account: FileAccount; results?: ResultsSummary }> {
  const { processing, root, definition, paths } = pass;
  const book = openBook(ctx.ledger, root.id);
  const tally = createTally();
  const { encryptTo } = ctx.job.report;
  const header = seal.header ? await slice(text, seal.header.offset, seal.header.length) : undefined;
  const format = resultsFormat({
    delimiter: seal.delimiter,
    json: seal.json,
    ...(header ? { header: Buffer.from(header) } : {}),
    withoutInput: definition.encrypted === true && encryptTo === undefined,
  });
  const target = join(paths.folder, `results.${processing.id}.r${processing.revision + 1}`);
  const file = await createResultsFile(target, format, encryptTo);
  const fates = createFates(ctx, pass, seal, book);
  const iso = createIsoClock();
  let lines = 0;

  try {
    for (const block of index.blocks()) {
      // Done anew by the next run: a large file must not keep a process that is to end.
      ctx.signal.throwIfAborted();
      const deliveries = book.range(root.id, block.line(0), block.line(block.count - 1));
      fates.begin(block, deliveries);
      for (let i = 0; i < block.count; i++) {
        const { at: reasonAt, length: reasonLength } = block.reason(i);
        const reason = reasonLength === 0 ? '' : (await sliceOf(reasons, reasonAt, reasonLength)).toString();
        const fate = fates.of(block, i, deliveries, reason);
        const line = block.line(i);
        const currency = block.currency(i);
        const eventMs = block.eventMs(i);
        tally.add({
          line,
          state: fate.state,
          code: fate.code,
          reason: fate.reason,
          eventName: seal.eventNames[block.eventName(i)] ?? '',
          ...(currency > 0 ? { money: { currency: seal.currencies[currency] ?? '', units: block.money(i) } } : {}),
          ...(eventMs !== 0 ? { eventMs } : {}),
        });
        lines++;
        if (fate.state === 'open') continue;
        const raw =
          text.peek(block.offset(i), block.length(i)) ?? (await slice(text, block.offset(i), block.length(i)));
        const { state: outcome, code, eventId, attempts } = fate;
        file.add({ line, outcome, code, reason: fate.reason, eventId, attempts, at: iso(fate.at) }, raw);
      }
      await file.flush();
      keepHeapSmall();
      ctx.progress({ file: processing.name, phase: 'writing results', done: lines, total: seal.rows, unit: 'rows' });
    }
    const account = await accountOf(ctx, pass, seal, { ...tally.pieces(), course: fates.course }, lines);
    if (account.counts.open > 0) {
      await file.discard();
      return { account };
    }
    return { account, results: await keepEncrypted(await file.finish()) };
  } catch (error) {
    await file.discard();
    throw error;
  }
}

async function slice(cursor: TextCursor, offset: number, length: number): Promise<Buffer> {
  for (;;) {
    const found = cursor.peek(offset, length);
    if (found) return found;
    await cursor.more();
  }
}

function sliceOf(cursor: TextCursor, offset: number, length: number): Buffer | Promise<Buffer> {
  return cursor.peek(offset, length) ?? slice(cursor, offset, length);
}

/** Adds the account up and checks it against what was counted elsewhere: by the reader, and by the ledger. */
async function accountOf(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  { course, ...pieces }: Pick<FileAccount, 'counts' | 'byEvent' | 'reasons'> & Pick<Fates, 'course'>,
  lines: number,
): Promise<FileAccount> {
  const { processing, root } = pass;
  const inLedger = course ? course.done() : (deliveryCounts(ctx.ledger, processing.id).delivered ?? 0);
  const counts = { ...pieces.counts, read: seal.rows };
  const proof = proofOf(ctx, processing.id);
  const uploads = root.id === processing.id ? uploadsOf(ctx.ledger, processing.id) : [];
  const awaited = uploads.find(({ state }) => state === 'uploaded' || state === 'started');
  const held = root.refusal?.verdict === 'held' || root.refusal === null ? seal.held : undefined;
  const account: FileAccount = {
    job: ctx.job.id,
    processing: `p${processing.id}`,
    name: processing.name,
    sha256: shaOf(ctx, processing.fileId),
    bytes: processing.size,
    state: counts.open > 0 ? 'open' : held ? 'held' : 'processed',
    ...(held ? { refusal: held } : {}),
    ...(root.id === processing.id ? {} : { repeatOf: `p${root.id}` }),
    ...(processing.lane ? { lane: processing.lane } : {}),
    ...(proof ? { proof } : {}),
    counts,
    byEvent: pieces.byEvent,
    ...course?.account,
    reasons: pieces.reasons,
    ...(awaited && counts.open > 0 ? { awaits: awaited.name } : {}),
    notices: [
      ...seal.notices,
      ...uploads.flatMap(({ notices }) => notices),
      ...(root.id === processing.id ? sentAgain(ctx, processing.id) : []),
    ],
    balanced: true,
  };
  const imbalance = course?.imbalance ?? imbalanceOf(account, lines, root.id === processing.id ? inLedger : 0);
  return imbalance === undefined ? account : { ...account, balanced: false, imbalance };
}

function imbalanceOf(account: FileAccount, lines: number, deliveredInLedger: number): string | undefined {
  if (lines !== account.counts.read) return `read ${account.counts.read}, but the results have ${lines} lines`;
  if (deliveredInLedger !== account.counts.delivered)
    return `the ledger has ${deliveredInLedger} deliveries, the results have ${account.counts.delivered}`;
  const balance = balanceOfFile(account);
  return balance.balanced ? undefined : balance.imbalance;
}

const MOST_LINES = 5;

/** What the destination may have got more than once: of each such row it has to be known, however it turned out. */
function sentAgain(ctx: RunContext, processingId: number): Notice[] {
  const { count, first } = rowsSentAgain(ctx.ledger, processingId, MOST_LINES);
  if (count === 0) return [];
  const lines = first.map(({ line, attempts, unclear }) => `line ${line} (${attempts} tries, ${unclear} unclear)`);
  const more = count > first.length ? `, and ${count - first.length} more` : '';
  const message = `${count} delivered ${count === 1 ? 'row' : 'rows'} had left before without a clear answer, so Extole may have got ${count === 1 ? 'it' : 'them'} more than once: ${lines.join(', ')}${more}`;
  return [{ code: 'SENT_AGAIN', message }];
}

function proofOf(ctx: RunContext, processingId: number): Proof['kind'] | undefined {
  return ctx.ledger.db
    .prepare<[number, number], { proof: Proof['kind'] }>(
      "SELECT proof FROM deliveries WHERE id BETWEEN ? AND ? AND state = 'delivered' LIMIT 1",
    )
    .get(processingId * LINES, processingId * LINES + LINES - 1)?.proof;
}

function shaOf(ctx: RunContext, fileId: number | null): string {
  if (fileId === null) return '';
  return (
    ctx.ledger.db.prepare<[number], { sha256: string }>('SELECT sha256 FROM files WHERE id = ?').get(fileId)?.sha256 ??
    ''
  );
}

/** ISO times; rows that share a millisecond share the string. */
function createIsoClock(): (ms: number) => string {
  let last = -1;
  let text = '';
  return (ms) => {
    if (ms !== last) {
      last = ms;
      text = new Date(ms).toISOString();
    }
    return text;
  };
}
