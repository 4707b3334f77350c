import type { Profile } from '../../../destinations/profile.ts';
import { agedNow } from '../../../ledger/clock.ts';
import { FAILED_TOO_LONG } from '../../../ledger/push-again.ts';
import {
  type Candidate,
  changedForPush,
  failedForPush,
  type Push,
  type PushRow,
  type PushTo,
  pushRecorder,
} from '../../../ledger/pushes.ts';
import type { Answer } from '../../../model.ts';
import type { AfterContext } from '../after-context.ts';
import type { ProfileMaker } from './profiles.ts';
import type { PushSender } from './senders.ts';

export interface PushWork {
  name: string;
  to: PushTo;
  push: Push;
  maker: ProfileMaker;
  sender: PushSender;
  /** Calls at the same time. */
  concurrency: number;
  /** Called while the last calls are on their way: rows of links before this one have their outcome. */
  lastCalls(link: number): Promise<void>;
}

/** What a pass came to in this run. */
export interface Sent {
  /** Rows looked at, those not that an earlier run of the pass has ended. */
  read: number;
  /** Why the rest was not sent. */
  stopped?: { code: string; reason: string };
}

interface Outgoing {
  linkId: number;
  profile: Profile;
  hash: string;
  attempts: number;
  /** Since when it has failed; 0: it did not. */
  failedAt: number;
}

/** Reading a page must not hold up the call that is due: a small one takes a millisecond or two. */
const PAGE = 250;

/**
 * Sends what changed, batches side by side, and records what became of each batch when its answer is in. What was on the wire when the
 * process died is sent again: fields are set, not added to. Stops where the tool refuses everything or cannot be reached.
 */
export async function sendChanged(ctx: AfterContext, work: PushWork): Promise<Sent> {
  const { ledger, io, signal } = ctx;
  const { push, sender, maker } = work;
  const record = pushRecorder(ledger, work.to.id);
  const givenUpBefore = agedNow(ledger, io.now()) - ctx.job.failed.maxAge;
  /** Calls on their way, with the first link of each. */
  const flying = new Map<Promise<void>, number>();
  let decided: (PushRow & { linkId: number })[] = [];
  let batch: Outgoing[] = [];
  let read = 0;
  let done = 0;
  let stopped: Sent['stopped'];
  let broken: { error: unknown } | undefined;

  let recording: Promise<void> | undefined;

  const recordDecided = (): void => {
    const now = decided;
    decided = [];
    if (now.length > 0) record(now);
  };
  /** Answers that came while the disk took those before share a commit. */
  const recordSoon = (rows: typeof decided): Promise<void> => {
    decided.push(...rows);
    recording ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      recording = undefined;
      recordDecided();
    });
    return recording;
  };
  const launch = async (): Promise<void> => {
    const now = batch;
    batch = [];
    if (now.length === 0 || stopped) return;
    const flight = send(now)
      .catch((error: unknown) => {
        broken ??= { error };
      })
      .finally(() => flying.delete(flight));
    flying.set(flight, Math.min(...now.map(({ linkId }) => linkId)));
    while (flying.size >= work.concurrency) await Promise.race(flying.keys());
  };
  const send = async (outgoing: readonly Outgoing[]): Promise<void> => {
    const answers = await sender.send(
      outgoing.map(({ profile }) => profile),
      signal,
    );
    ctx.crashPoint('push-answered');
    const at = io.now();
    const stop = stopOf(answers);
    const rows = outgoing.flatMap(({ linkId, hash, attempts, failedAt: since }, i) => {
      const answer = answers[i] ?? LOST;
      const failing = { since, givenUp: since > 0 && since < givenUpBefore };
      const ended = endOf(answer, stop !== undefined, failing, at);
      return ended === undefined ? [] : [{ linkId, pushId: push.id, hash, attempts: attempts + 1, at, ...ended }];
    });
    await recordSoon(rows);
    ctx.crashPoint('push-recorded');
    done += rows.length;
    stopped ??= stop;
    ctx.progress({ file: `profiles to ${work.name}`, phase: 'sending', done, total: 0, unit: 'rows' });
  };
  const take = ({ link, row }: Candidate): void => {
    if (row?.pushId === push.id) return;
    read++;
    const made = maker.make(link, ctx.columns);
    const end = (ended: Omit<PushRow, 'pushId'>): void =>
      void decided.push({ ...ended, linkId: link.id, pushId: push.id });
    if ('code' in made) {
      end({ hash: '', outcome: 'rejected', ...made, eventId: '', attempts: 0, at: 0, failedAt: 0 });
      return;
    }
    const { profile, hash } = made;
    const before = row?.hash === hash ? row : undefined;
    if (before?.outcome === 'delivered' || before?.outcome === 'duplicate') end({ ...before, outcome: 'duplicate' });
    else if (before?.outcome === 'rejected' && !push.whole) end(before);
    else {
      const { attempts = 0, failedAt = 0 } = before ?? {};
      batch.push({ linkId: link.id, profile, hash, attempts, failedAt });
    }
  };

  try {
    for (const page of pages(ctx, work)) {
      for (const candidate of page) {
        take(candidate);
        if (batch.length >= sender.maxBatchSize) await launch();
        if (broken || stopped) break;
      }
      recordDecided();
      if (broken || stopped) break;
      signal.throwIfAborted();
      await io.sleep(0);
    }
    await launch();
    if (!broken && !stopped && flying.size > 0) await work.lastCalls(Math.min(...flying.values()));
  } finally {
    await Promise.all(flying.keys());
  }
  if (broken) throw broken.error;
  return { read, ...(stopped ? { stopped } : {}) };
}

/** Links that changed, then those that failed before: each once, since a batch that has not left yet is in no ledger. */
function* pages({ ledger, links }: AfterContext, { to, push }: PushWork): Generator<readonly Candidate[]> {
  for (let after = push.seqFrom; ; ) {
    const page = changedForPush(ledger, links, to.id, { after, to: push.seqTo }, PAGE);
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) break;
    after = last.link.seq;
  }
  for (let after = 0; ; ) {
    const page = failedForPush(ledger, links, to.id, push, { after, limit: PAGE });
    yield page;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    after = last.link.id;
  }
}

/** `undefined`: the row stays open. `stopped`: the tool is left alone, and the next run goes on with what has no outcome. */
function endOf(
  answer: Answer,
  stopped: boolean,
  { since, givenUp }: { since: number; givenUp: boolean },
  at: number,
): Pick<PushRow, 'outcome' | 'code' | 'reason' | 'eventId' | 'failedAt'> | undefined {
  const final = { eventId: '', failedAt: 0 };
  switch (answer.kind) {
    case 'accepted':
      return { outcome: 'delivered', code: '', reason: '', eventId: answer.proof.eventId, failedAt: 0 };
    case 'halted':
      return undefined;
    case 'rejected':
      return { outcome: 'rejected', code: answer.code, reason: answer.reason, ...final };
    // What got no clear answer is sent again by the next run: that does no harm.
    default: {
      if (stopped) return undefined;
      const { code, reason } = answer;
      if (!givenUp) return { outcome: 'failed', code, reason, eventId: '', failedAt: since || at };
      const first = new Date(since).toISOString().slice(0, 16);
      const why = `it has failed since ${first}Z (failed.maxAge), the last time with ${code}: ${reason}`;
      return { outcome: 'rejected', code: FAILED_TOO_LONG, reason: why, ...final };
    }
  }
}

/** A tool that refuses everything, or that took nothing of a whole batch for want of an answer, is left alone until the next run. */
function stopOf(answers: readonly Answer[]): Sent['stopped'] {
  const halted = answers.find(({ kind }) => kind === 'halted');
  if (halted?.kind === 'halted') return { code: halted.code, reason: halted.reason };
  const troubles = answers.flatMap((each) => (each.kind === 'retryable' || each.kind === 'unknown' ? [each] : []));
  const [first] = troubles;
  if (!first || troubles.length < answers.length) return undefined;
  if (troubles.every(({ code }) => OF_BATCH.test(code))) return undefined;
  return { code: first.code, reason: first.reason };
}

/** The tool was reached, and these profiles alone came to nothing: they must not keep those after them from their turn, run after run. */
const OF_BATCH =
  /^(?:STILL_WORKING|RESULTS_INCOMPLETE|JOB_CANCELLED|CONTACT_GONE|LOOKUP_FAILED|DEADLOCK)$|INTERNAL|TIMEOUT|UNAVAILABLE|LOCKED/i;

const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer to this profile' };
