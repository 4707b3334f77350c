import { backoffDelay } from '../../delivery/backoff.ts';
import { createConcurrency } from '../../delivery/concurrency.ts';
import type { RetryRules } from '../../delivery/next-state.ts';
import { sendThroughWindow } from '../../delivery/window.ts';
import type { Ended, Granted, WindowEnd, WindowRow } from '../../delivery/window-options.ts';
import { personRestMs } from '../../destinations/extole/settings.ts';
import { type Claim, type Owner, openBook, type Recorded, type Settled } from '../../ledger/deliveries.ts';
import { mustHold } from '../../ledger/fence.ts';
import { blockedOrders, deliveryCounts } from '../../ledger/processings.ts';
import { eventNameId } from '../../ledger/registry.ts';
import { beginSending, endSending } from '../../ledger/sweep.ts';
import { compileMapping, requiredColumns } from '../../mapping/compile.ts';
import type { EventRecord, RowLane } from '../../model.ts';
import { openRows } from '../../parsing/open.ts';
import type { FilePass, RunContext } from './context.ts';
import { createCursor } from './cursor.ts';
import { keepHeapSmall } from './heap.ts';
import { type ComparedRow, contentComparer, lostToOwner } from './ownership.ts';
import { dropsRule, resendRule, whyNotAgain } from './resend-rule.ts';
import { openRowIndex } from './row-index.ts';
import type { Seal } from './seal.ts';
import { stagedFile } from './staged-file.ts';
import { isDoubtful, whichRows } from './which-rows.ts';

/** Rows that end unsent and wait for a commit to share. */
const MOST_UNWRITTEN = 256;

/** States in which a row of an earlier pass is taken up again. */
const UNFINISHED = new Set(['waiting', 'unknown', 'failed']);

/**
 * Sends the rows of a sealed file that are not final yet. `retryOnly`: only rows that earlier passes left failed or open.
 * Every claim and every answer is in the ledger before the next step depends on it.
 */
export async function deliverFile(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  lane: RowLane,
  retryOnly: boolean,
): Promise<WindowEnd> {
  const { io, ledger } = ctx;
  const { processing, paths, definition } = pass;
  const book = openBook(ledger, processing.id);
  const index = openRowIndex(paths.index);
  const sender = ctx.destination.open(lane, {
    refreshToken: ctx.refreshToken,
    crashPoint: ctx.crashPoint,
    rows: lane === 'links' ? rowsToSend(ctx, processing.id, seal, retryOnly) : seal.candidates,
  });
  const eventIds = seal.eventNames.map((name) =>
    name === '' ? 0 : eventNameId(ledger, processing.destinationId, name),
  );
  const drops = dropsRule(ctx);
  const resend = resendRule(ctx, drops);
  const goes = whichRows(ctx, processing, retryOnly);
  const meter = io.meter?.sending(processing.job, lane);
  const settled: Settled[] = [];
  let columnNames: readonly string[] = [];
  const sameContent = contentComparer(ctx, pass, () => columnNames);

  const settleOwned = (item: ComparedRow, owner: Owner): void => {
    const lost = lostToOwner(item.claim, owner, sameContent(item, owner), processing.id);
    if (lost) settled.push(lost);
  };

  const commit = (ended: readonly Ended<ComparedRow>[], claims: readonly { item: ComparedRow }[]): Granted[] => {
    // First, because a row that is tried again at once ends and is claimed within the same commit.
    for (const { item, id, attempt, state, code, reason } of ended) {
      if (!UNFINISHED.has(state)) continue;
      item.claim.prior = {
        id,
        line: item.claim.line,
        state,
        attempts: attempt,
        ambiguous: 0,
        code,
        reason,
        eventId: '',
        at: 0,
      };
    }
    const records = ended.map(recordOf);
    const ends = settled.splice(0);
    const results = book.commit(
      records,
      ends,
      claims.map(({ item }) => item.claim),
      io.now(),
    );
    meter?.claimed(results.reduce((n, result) => n + (result.kind === 'claimed' ? 1 : 0), -ended.length));
    ctx.crashPoint('committed');
    keepHeapSmall();
    return results.map((result, i): Granted => {
      if (result.kind === 'claimed') {
        const attemptId = `${ledger.id}-${result.id}-${result.attempt}`;
        return { kind: 'claimed', id: result.id, attempt: result.attempt, attemptId };
      }
      const claim = claims[i];
      if (claim) settleOwned(claim.item, result.owner);
      mayBeKnown = true;
      return { kind: 'not-sent' };
    });
  };

  // A daily cumulative file is mostly rows that are known: those need not pass through the window one claim after the other.
  let mayBeKnown = true;
  const withoutOwned = (rows: WindowRow<ComparedRow>[]): WindowRow<ComparedRow>[] => {
    const owners = book.owners(rows.map(({ item }) => item.claim));
    const unknown = rows.filter((row, i) => {
      const owner = owners[i];
      if (!owner || row.item.claim.prior) return true;
      settleOwned(row.item, owner);
      return false;
    });
    // A file of nothing but conflicts must not pile them up.
    if (settled.length > MOST_UNWRITTEN) book.commit([], settled.splice(0), [], io.now());
    mayBeKnown = unknown.length < rows.length;
    return unknown;
  };

  const rows = async function* (): AsyncGenerator<WindowRow<ComparedRow>[]> {
    const reader = await openRows(
      stagedFile(ctx, definition, paths.input, processing.name),
      definition.file,
      requiredColumns(definition.event),
      ctx.signal,
    );
    const cursor = createCursor(index.blocks(true));
    const mapping = { fileName: processing.name, now: processing.openedAt };
    let columns = -1;
    let map = compileMapping(definition.event, reader.columns, mapping);
    for await (const batch of reader.batches()) {
      const first = batch[0];
      const last = batch.at(-1);
      if (!first || !last) continue;
      if (columns !== reader.columns.length) {
        map = compileMapping(definition.event, reader.columns, mapping);
        columns = reader.columns.length;
        columnNames = reader.columns;
      }
      const priors = book.range(processing.id, first.line, last.line);
      const out: WindowRow<ComparedRow>[] = [];
      for (const row of batch) {
        const { block, i } = cursor.next(row.line);
        const prior = priors.get(row.line);
        if (!goes(block.verdict(i), prior, block.orderHash(i))) continue;
        const mapped = map(row.values, row.line);
        if (!mapped.ok) throw new Error(`line ${row.line} passed the check before and does not now: ${mapped.code}`);
        const orderHash = block.orderHash(i);
        const claim: Claim = {
          line: row.line,
          eventNameId: eventIds[block.eventName(i)] ?? 0,
          key: mapped.event.key,
          keyHash: block.keyHash(i),
          contentHash: block.contentHash(i),
          orderHash,
        };
        if (prior) claim.prior = prior;
        if (prior?.state === 'unknown' && !resend(mapped.event)) {
          settled.push({ claim, state: 'held', code: 'UNKNOWN_DELIVERY', reason: whyNotAgain(prior) });
          continue;
        }
        out.push({
          event: mapped.event,
          orderKey: orderHash?.toString('hex') ?? '',
          item: { claim, values: row.values },
          doubtful: isDoubtful(prior),
        });
      }
      const unknown = mayBeKnown ? withoutOwned(out) : out;
      if (unknown.length > 0) yield unknown;
    }
  };

  const { backoff, maxAttempts, maxAmbiguous } = ctx.job.delivery;
  const rules = new Map<string, RetryRules>();
  const rulesOf = (event: EventRecord): RetryRules => {
    let its = rules.get(event.eventName);
    if (its === undefined) {
      its = { maxAttempts, maxAmbiguous, resendUnknown: resend(event), yesToKnown: drops(event) };
      rules.set(event.eventName, its);
    }
    return its;
  };
  beginSending(ledger.db, processing.id, io.now());
  try {
    const end = await sendThroughWindow(rows(), {
      sender,
      paced: sender.paced,
      ledger: {
        commit,
        mustHold: () => mustHold(ledger),
        blocked: ({ claim }) => {
          // It may have been accepted: it stays unknown, and keeps its key.
          if (isDoubtful(claim.prior)) return;
          settled.push({
            claim,
            state: 'failed',
            code: 'WAITS_FOR_EARLIER',
            reason: 'an earlier row of the same person failed; this one goes after it',
          });
        },
      },
      window: ctx.job.delivery.window,
      rules: rulesOf,
      concurrency: createConcurrency(sender.concurrency ?? ctx.job.delivery.concurrency),
      backoffMs: (n) => backoffDelay(n, backoff, io.random()),
      health: ctx.health,
      // Of customers, no two rows of one person go.
      restMs: lane === 'links' ? 0 : personRestMs(ctx.job.destination.extole),
      blockedOrders: blockedOrders(ledger, processing.job, processing.id),
      signal: ctx.pause && lane === 'links' ? AbortSignal.any([ctx.signal, ctx.pause]) : ctx.signal,
      drainMs: ctx.drainMs,
      io,
      meter,
      onProgress: (done) =>
        ctx.progress({ file: processing.name, phase: 'sending', done, total: seal.candidates, unit: 'rows' }),
    });
    if (settled.length > 0) book.commit([], settled.splice(0), [], io.now());
    endSending(ledger.db, processing.id);
    return end;
  } finally {
    meter?.end();
    await sender.close();
    index.close();
  }
}

/** At most so many: of those without a delivery, some may turn out to be known. */
function rowsToSend(ctx: RunContext, processingId: number, { candidates }: Seal, retryOnly: boolean): number {
  const counts = Object.entries(deliveryCounts(ctx.ledger, processingId));
  const sum = (open: boolean): number =>
    counts.reduce((n, [state, count]) => n + (UNFINISHED.has(state) === open ? count : 0), 0);
  return retryOnly ? sum(true) : Math.max(0, candidates - sum(false));
}

function recordOf({ id, attempt, state, answer, code, reason }: Ended<ComparedRow>): Recorded {
  return { id, attempt, state, answer, code, reason };
}
