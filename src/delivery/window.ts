import type { Answer, Outgoing } from '../model.ts';
import { askedFor } from './backoff.ts';
import type { Signal } from './concurrency.ts';
import { isClear, neverLeft } from './health.ts';
import { MOST_EXCUSED, nextState } from './next-state.ts';
import { createOrder } from './order.ts';
import type { Ended, WindowEnd, WindowOptions, WindowRow } from './window-options.ts';

interface Live<T> extends WindowRow<T> {
  id: number;
  attempt: number;
  attemptId: string;
  /** Tries that count against the row's budget: those the destination's own trouble does not excuse. */
  tries: number;
  /** Good answers of the destination when this row was last tried. */
  goodBefore: number;
  dueAt: number;
}

/** What an answer says about how much the destination can take. */
function signOf(answer: Answer): Signal {
  if (isClear(answer)) return 'answered';
  return answer.kind === 'retryable' && answer.http === 429 ? 'throttled' : 'failed';
}

/** An acknowledgement waits no longer than this for others to share its commit. */
const COMMIT_AFTER_MS = 20;
/** Claims that are older than this are sent only after a look whether the ledger is still ours. */
const HELD_FOR_MS = 2000;
/** Requests that keep a quick destination busy for the time of a commit. */
const BUSY_MEANWHILE = 64;

/**
 * Sends rows: each is claimed in the ledger before its request is written, and its answer recorded after it was read.
 * Claims and records share commits. At most `window` rows are claimed and not recorded, whatever their stage.
 */
export async function sendThroughWindow<T>(
  source: AsyncIterable<readonly WindowRow<T>[]>,
  options: WindowOptions<T>,
): Promise<WindowEnd> {
  const { sender, ledger, io, concurrency, health, signal } = options;
  const rows = source[Symbol.asyncIterator]();
  const order = createOrder<WindowRow<T>>(options.blockedOrders, options.restMs);

  let incoming: WindowRow<T>[] = [];
  let incomingAt = 0;
  const ready: WindowRow<T>[] = [];
  let toSend: Live<T>[] = [];
  let answered: Ended<T>[] = [];
  let oldestAnswerAt = 0;
  let retries: Live<T>[] = [];
  let inFlight = 0;
  let claimed = 0;
  let done = 0;
  let exhausted = false;
  let fetching = false;
  let sourceError: unknown;
  /** When the ledger was known to be ours. */
  let heldAt = io.monotonic();
  let halted: { code: string; reason: string } | undefined;
  let wake = (): void => {};
  let timerAt = Number.POSITIVE_INFINITY;

  const stopping = (): boolean => halted !== undefined || signal.aborted || sourceError !== undefined;

  const fetchMore = (): void => {
    if (fetching || exhausted || stopping()) return;
    if (incoming.length - incomingAt + ready.length + order.parked >= options.window * 2) return;
    fetching = true;
    rows.next().then(
      (next) => {
        fetching = false;
        if (next.done === true) exhausted = true;
        else {
          incoming = [...incoming.slice(incomingAt), ...next.value];
          incomingAt = 0;
        }
        wake();
      },
      (error: unknown) => {
        fetching = false;
        sourceError = error;
        wake();
      },
    );
  };

  const admit = (): void => {
    ready.push(...order.rested(io.monotonic()));
    while (incomingAt < incoming.length && hasRoom()) {
      const row = incoming[incomingAt++];
      if (row === undefined) break;
      const may = order.enter(row);
      if (may === 'ready') ready.push(row);
      else if (may === 'blocked') block(row);
    }
  };

  /** Rows looked ahead, so that those of one person do not keep the others waiting. */
  const hasRoom = (): boolean => ready.length + order.parked < options.window * 2;

  const block = (row: WindowRow<T>): void => {
    ledger.blocked(row.item);
    done++;
  };

  const passOn = (row: WindowRow<T>, failed: boolean, askedAt?: number): void => {
    done++;
    const next = order.leave(row, failed, askedAt);
    for (const waiting of next.blocked) block(waiting);
    if (next.ready) ready.push(next.ready);
  };

  const onAnswer = (row: Live<T>, answer: Answer, sentAt: number, era: number): void => {
    const now = io.monotonic();
    if (!options.paced) concurrency.onAnswer(now - sentAt, signOf(answer), inFlight);
    options.meter?.answered(now - sentAt);
    inFlight--;
    health.onAnswer(answer, row.id, era, now);
    if (answer.kind === 'halted') halted ??= { code: answer.code, reason: answer.reason };
    const excused =
      health.excuses(answer) && health.good === row.goodBefore && (row.attempt < MOST_EXCUSED || neverLeft(answer));
    if (!excused) row.tries++;
    if (answer.kind === 'unknown') row.doubtful = true;
    const next = nextState(answer, row.tries, options.rules(row.event), row.doubtful);
    if (answered.length === 0) oldestAnswerAt = now;
    answered.push({ item: row.item, id: row.id, attempt: row.attempt, answer, ...next });
    if (next.state === 'waiting' || next.state === 'unknown') {
      row.dueAt = now + Math.max(askedFor(answer), options.restMs, options.backoffMs(Math.max(1, row.tries)));
      retries.push(row);
    } else {
      passOn(row, next.state === 'failed', now);
    }
  };

  /** A process may stand still for as long as somebody likes. What it claimed before, another one may have sent by now. */
  const mayStillSend = (now: number): boolean => {
    if (now - heldAt < HELD_FOR_MS) return true;
    try {
      ledger.mustHold();
      heldAt = now;
      return true;
    } catch (error) {
      sourceError = error;
      wake();
      return false;
    }
  };

  const dispatch = (): void => {
    if (stopping()) return;
    const now = io.monotonic();
    if (toSend.length > 0 && !mayStillSend(now)) return;
    while (toSend.length > 0 && inFlight < health.allowed(concurrency.limit, now)) {
      const batch = toSend.splice(0, sender.maxBatchSize);
      const era = health.era;
      inFlight += batch.length;
      for (const row of batch) row.goodBefore = health.good;
      const outgoing: Outgoing[] = batch.map((row) => ({ event: row.event, attemptId: row.attemptId }));
      sender.send(outgoing, (answers) => {
        batch.forEach((row, i) => {
          const answer = answers[i] ?? { kind: 'unknown', code: 'NO_ANSWER', reason: 'the destination gave no answer' };
          onAnswer(row, answer, now, era);
        });
        dispatch();
        if (commitIsDue()) wake();
        else wakeAt(oldestAnswerAt + COMMIT_AFTER_MS);
      });
    }
  };

  /** Rows claimed ahead: enough to keep the wire busy during a commit, few enough to be orphaned by a crash. */
  const target = (): number => Math.min(options.window, Math.max(8, concurrency.limit * 2));

  const dueRetries = (now: number): Live<T>[] => {
    if (retries.length === 0) return [];
    const due = retries.filter((row) => row.dueAt <= now);
    if (due.length > 0) retries = retries.filter((row) => row.dueAt > now);
    return due;
  };

  const commitIsDue = (): boolean => {
    if (answered.length === 0) return ready.length > 0 && claimed < target() && !stopping();
    if (answered.length >= Math.max(target() / 2, target() - BUSY_MEANWHILE)) return true;
    if (toSend.length === 0 && inFlight === 0) return true;
    return io.monotonic() - oldestAnswerAt >= COMMIT_AFTER_MS;
  };

  const commit = (): void => {
    const ended = answered;
    answered = [];
    claimed -= ended.length;
    // A row that is tried again keeps its place in the window: it is counted until it ends.
    const now = io.monotonic();
    const again = stopping() ? [] : dueRetries(now);
    const places = stopping() ? 0 : Math.max(0, target() - claimed - again.length - retries.length);
    const fresh = ready.splice(0, places);
    const claims = [...again.map((row) => ({ item: row.item, id: row.id })), ...fresh.map(({ item }) => ({ item }))];
    if (ended.length === 0 && claims.length === 0) return;
    const granted = ledger.commit(ended, claims);
    heldAt = now;
    granted.forEach((grant, i) => {
      const old = again[i];
      const row = old ?? fresh[i - again.length];
      if (row === undefined) return;
      if (grant.kind === 'not-sent') {
        passOn(row, false);
        return;
      }
      claimed++;
      if (old) toSend.push(Object.assign(old, { attempt: grant.attempt, attemptId: grant.attemptId }));
      else toSend.push({ ...row, ...grant, tries: 0, goodBefore: 0, dueAt: 0 });
    });
    options.onProgress?.(done);
  };

  /** What was claimed and never handed to the sender is proven unsent. */
  const takeBack = (): void => {
    const code = halted?.code ?? 'STOPPED';
    const reason = halted?.reason ?? 'the run was stopped before this row was sent';
    for (const row of toSend) {
      const answer: Answer = { kind: 'retryable', code, reason };
      const state = row.doubtful ? 'unknown' : 'waiting';
      answered.push({ item: row.item, id: row.id, attempt: row.attempt, answer, state, code, reason });
    }
    toSend = [];
  };

  const wakeAt = (at: number): void => {
    if (at >= timerAt) return;
    timerAt = at;
    io.sleep(Math.max(1, at - io.monotonic()), timers.signal).then(
      () => {
        if (timerAt === at) timerAt = Number.POSITIVE_INFINITY;
        wake();
      },
      () => {},
    );
  };

  const finished = (): boolean =>
    exhausted &&
    incomingAt >= incoming.length &&
    ready.length === 0 &&
    order.parked === 0 &&
    toSend.length === 0 &&
    inFlight === 0 &&
    retries.length === 0 &&
    answered.length === 0;

  const timers = new AbortController();
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort, { once: true });
  let drainUntil = Number.POSITIVE_INFINITY;
  try {
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (stopping()) {
        takeBack();
        if (inFlight === 0) {
          commit();
          break;
        }
        const now = io.monotonic();
        if (drainUntil === Number.POSITIVE_INFINITY) drainUntil = now + options.drainMs;
        if (now >= drainUntil) await sender.close();
        else wakeAt(drainUntil);
        if (commitIsDue()) commit();
        if (inFlight > 0) await woken;
        continue;
      }
      fetchMore();
      admit();
      const now = io.monotonic();
      if (commitIsDue() || retries.some((row) => row.dueAt <= now)) commit();
      admit();
      dispatch();
      if (finished()) break;
      halted ??= health.outage();
      if (stopping()) continue;
      scheduleWake();
      if (answered.length > 0 && commitIsDue()) continue;
      if (ready.length > 0 && claimed + retries.length < target() && answered.length === 0) continue;
      if (incomingAt < incoming.length && hasRoom()) continue;
      // The commit may have made room that nobody else would tell of.
      fetchMore();
      await woken;
    }
  } catch (error) {
    // Answers may come while the rows are being closed, and nobody records them: nothing more leaves.
    sourceError ??= error;
    toSend = [];
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    timers.abort();
    await rows.return?.();
  }
  if (sourceError !== undefined) throw sourceError;
  return halted ? { halted, interrupted: signal.aborted } : { interrupted: signal.aborted };

  /** Asks to be woken for whatever no answer will bring: the end of a pause, a row's next try, a commit. */
  function scheduleWake(): void {
    // A pause that is over holds nothing back; it must not hide the tries that are due later.
    let at = toSend.length > 0 && inFlight === 0 ? health.pausedUntil : Number.POSITIVE_INFINITY;
    for (const row of retries) at = Math.min(at, row.dueAt);
    at = Math.min(at, order.restsUntil);
    if (answered.length > 0) at = Math.min(at, oldestAnswerAt + COMMIT_AFTER_MS);
    wakeAt(at);
  }
}
