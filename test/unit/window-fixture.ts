import { createConcurrency } from '../../src/delivery/concurrency.ts';
import { createHealth, type Health } from '../../src/delivery/health.ts';
import type { RetryRules } from '../../src/delivery/next-state.ts';
import { sendThroughWindow } from '../../src/delivery/window.ts';
import type { Ended, Granted, WindowEnd, WindowLedger, WindowRow } from '../../src/delivery/window-options.ts';
import type { Answer, Io, Outgoing, Sender } from '../../src/model.ts';

/** A clock that stands still while anything is being worked on, and then jumps to the next timer. */
export function createClock(): { io: Io; run<T>(work: Promise<T>): Promise<T> } {
  let now = 1000;
  let timers: { at: number; fire: () => void }[] = [];
  const silent = (): void => {};
  const io: Io = {
    now: () => now,
    monotonic: () => now,
    random: () => 0.5,
    env: {},
    log: { debug: silent, info: silent, warn: silent, error: silent },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const timer = { at: now + ms, fire: resolve };
        timers.push(timer);
        signal?.addEventListener('abort', () => {
          timers = timers.filter((each) => each !== timer);
          reject(signal.reason);
        });
      }),
  };
  return {
    io,
    async run(work) {
      let over = false;
      const settled = (): void => {
        over = true;
      };
      work.then(settled, settled);
      let idle = 0;
      for (let rounds = 0; !over; rounds++) {
        await new Promise((resolve) => setImmediate(resolve));
        const next = timers.toSorted((a, b) => a.at - b.at)[0];
        if (over) break;
        if (rounds > 100_000) throw new Error('busy: the clock goes on and on');
        if (!next) {
          if (++idle > 20) throw new Error('stuck: nothing is under way, and no timer runs');
          continue;
        }
        idle = 0;
        timers = timers.filter((each) => each !== next);
        now = Math.max(now, next.at);
        next.fire();
      }
      return work;
    },
  };
}

export interface Item {
  name: string;
}

/** One row's record in the ledger; the window's caller never sees more than this. */
interface Entry {
  id: number;
  attempt: number;
  state: string;
  code: string;
}

export interface Sent {
  name: string;
  attemptId: string;
  at: number;
}

export type Reply = { answer: Answer; afterMs?: number } | 'never';

export interface Setting {
  rows: readonly { name: string; order?: string }[];
  /** What the destination says to a row's n-th request (from 1). */
  reply: (name: string, nth: number) => Reply;
  window?: number;
  start?: number;
  max?: number;
  rules?: Partial<RetryRules>;
  owned?: ReadonlySet<string>;
  blockedOrders?: ReadonlySet<string>;
  backoffMs?: (n: number) => number;
  outageAfterMs?: number;
  /** Of a run that had other files before. */
  health?: Health;
  /** Ids of deliveries begin after this one. */
  firstId?: number;
  drainMs?: number;
  restMs?: number;
  /** Throws once another process has taken the ledger over. */
  mustHold?: () => void;
  /** Rows handed out at a time. */
  batch?: number;
  failAfter?: number;
  /** Called with the number of each commit, from 1, before it is done. */
  onCommit?: (nth: number) => void;
  /** How long it takes to close the source. */
  closingMs?: number;
  /** Called with each request, to stop in the middle. */
  onSend?: (count: number, stop: () => void) => void;
}

export interface Story {
  end: WindowEnd | undefined;
  error: unknown;
  entries: Map<string, Entry>;
  blocked: string[];
  notSent: string[];
  sent: Sent[];
  /** Sizes of each commit: how many ended, how many were claimed. */
  commits: { ended: number; claims: number }[];
  mostClaimed: number;
  mostInFlight: number;
  /** Requests on the wire at once for one order key. */
  mostOfOneOrder: number;
  cut: number;
}

export const accepted: Answer = { kind: 'accepted', proof: { kind: 'event_id', eventId: '7465' }, http: 200 };
export const rejected: Answer = { kind: 'rejected', code: 'invalid_parameter', reason: 'no', http: 400 };
export const throttled: Answer = { kind: 'retryable', code: 'THROTTLED', reason: 'later', http: 429 };
export const unsent: Answer = { kind: 'retryable', code: 'NOT_SENT', reason: 'refused' };
export const unknown: Answer = { kind: 'unknown', code: 'SERVER_ERROR', reason: 'maybe', http: 500 };
export const halted: Answer = { kind: 'halted', code: 'FORBIDDEN', reason: 'no right', http: 403 };

/** Sends rows through the window with a ledger in memory that refuses what must never happen. */
export async function play(setting: Setting): Promise<Story> {
  const clock = createClock();
  const { io } = clock;
  const window = setting.window ?? 8;
  const stopper = new AbortController();
  const stop = (): void => stopper.abort(new DOMException('stopped', 'AbortError'));
  const entries = new Map<string, Entry>();
  const story: Story = {
    end: undefined,
    error: undefined,
    entries,
    blocked: [],
    notSent: [],
    sent: [],
    commits: [],
    mostClaimed: 0,
    mostInFlight: 0,
    mostOfOneOrder: 0,
    cut: 0,
  };
  const orderOf = new Map(setting.rows.map(({ name, order }) => [name, order ?? '']));
  const onWire = new Map<string, (answer: Answer) => void>();
  const answered = new Set<string>();
  const asked = new Map<string, number>();
  const attemptIds = new Set<string>();
  let lastId = setting.firstId ?? 0;

  const claim = (item: Item, id: number | undefined): Granted => {
    const { name } = item;
    const old = entries.get(name);
    if (setting.owned?.has(name)) {
      story.notSent.push(name);
      return { kind: 'not-sent' };
    }
    if (id === undefined && old) throw new Error(`${name} was claimed twice`);
    if (id !== undefined && old?.id !== id) throw new Error(`${name} is claimed again under another id`);
    if (old && old.state !== 'waiting' && old.state !== 'unknown')
      throw new Error(`${name} is ${old.state}, and claimed again`);
    const entry = { id: old?.id ?? ++lastId, attempt: (old?.attempt ?? 0) + 1, state: 'claimed', code: '' };
    entries.set(name, entry);
    return { kind: 'claimed', id: entry.id, attempt: entry.attempt, attemptId: `${entry.id}-${entry.attempt}` };
  };
  const record = ({ item, id, attempt, state, code }: Ended<Item>): void => {
    const entry = entries.get(item.name);
    if (entry?.state !== 'claimed' || entry.id !== id || entry.attempt !== attempt)
      throw new Error(`${item.name} ended an attempt that is not open`);
    const attemptId = `${id}-${attempt}`;
    if (attemptIds.has(attemptId) && !answered.has(attemptId))
      throw new Error(`${attemptId} was recorded before its answer`);
    if (!attemptIds.has(attemptId) && state !== 'waiting' && state !== 'unknown')
      throw new Error(`${attemptId} never left, and is ${state}`);
    Object.assign(entry, { state, code });
  };
  const ledger: WindowLedger<Item> = {
    commit(ended, claims) {
      setting.onCommit?.(story.commits.length + 1);
      for (const each of ended) record(each);
      const granted = claims.map(({ item, id }) => claim(item, id));
      story.commits.push({ ended: ended.length, claims: claims.length });
      const open = [...entries.values()].filter(({ state }) => state === 'claimed').length;
      story.mostClaimed = Math.max(story.mostClaimed, open);
      return granted;
    },
    mustHold: () => setting.mustHold?.(),
    blocked: ({ name }) => story.blocked.push(name),
  };
  const sendOne = ({ event, attemptId }: Outgoing, done: (answer: Answer) => void): void => {
    const name = event.key;
    const entry = entries.get(name);
    if (entry?.state !== 'claimed' || `${entry.id}-${entry.attempt}` !== attemptId)
      throw new Error(`${name} was sent without a claim`);
    if (attemptIds.has(attemptId)) throw new Error(`${attemptId} was sent twice`);
    attemptIds.add(attemptId);
    const nth = (asked.get(name) ?? 0) + 1;
    asked.set(name, nth);
    story.sent.push({ name, attemptId, at: io.monotonic() });
    onWire.set(attemptId, done);
    const orders = [...onWire.keys()].map((id) => orderOf.get(story.sent.find((s) => s.attemptId === id)?.name ?? ''));
    const own = orderOf.get(name);
    if (own !== '') story.mostOfOneOrder = Math.max(story.mostOfOneOrder, orders.filter((each) => each === own).length);
    story.mostInFlight = Math.max(story.mostInFlight, onWire.size);
    const reply = setting.reply(name, nth);
    setting.onSend?.(story.sent.length, stop);
    if (reply === 'never') return;
    void io.sleep(reply.afterMs ?? 1).then(() => finish(attemptId, reply.answer));
  };
  const finish = (attemptId: string, answer: Answer): void => {
    const done = onWire.get(attemptId);
    if (!onWire.delete(attemptId)) return;
    answered.add(attemptId);
    done?.(answer);
  };
  const sender: Sender = {
    maxBatchSize: 1,
    send: (batch, done) => {
      const [row] = batch;
      if (row) sendOne(row, (answer) => done([answer]));
    },
    close: async () => {
      for (const attemptId of [...onWire.keys()]) {
        story.cut++;
        finish(attemptId, { kind: 'unknown', code: 'NO_ANSWER', reason: 'cut' });
      }
    },
  };
  const source = async function* (): AsyncGenerator<WindowRow<Item>[]> {
    const size = setting.batch ?? 5;
    try {
      for (let at = 0; at < setting.rows.length; at += size) {
        if (setting.failAfter !== undefined && at >= setting.failAfter) throw new Error('the source broke');
        yield setting.rows.slice(at, at + size).map(({ name, order }) => ({
          event: { line: 0, key: name, eventName: 'e', eventTime: '', data: {} },
          orderKey: order ?? '',
          item: { name },
        }));
      }
    } finally {
      if (setting.closingMs !== undefined) await io.sleep(setting.closingMs);
    }
  };
  const rules: RetryRules = {
    maxAttempts: 3,
    maxAmbiguous: 3,
    resendUnknown: true,
    yesToKnown: true,
    ...setting.rules,
  };
  const backoffMs = setting.backoffMs ?? ((n: number): number => 10 * n);
  const work = sendThroughWindow(source(), {
    sender,
    ledger,
    window,
    rules: () => rules,
    concurrency: createConcurrency({ start: setting.start ?? 4, max: setting.max ?? 128 }),
    backoffMs,
    health: setting.health ?? createHealth(backoffMs, setting.outageAfterMs ?? 600_000),
    restMs: setting.restMs ?? 0,
    blockedOrders: setting.blockedOrders ?? new Set(),
    signal: stopper.signal,
    drainMs: setting.drainMs ?? 1000,
    io,
  });
  try {
    story.end = await clock.run(work);
  } catch (error) {
    story.error = error;
  }
  return story;
}

export const stateOf = (story: Story, name: string): string => story.entries.get(name)?.state ?? 'untouched';

/** `row-1`, `row-2`, ... */
export const many = (count: number, order?: (i: number) => string): { name: string; order?: string }[] =>
  Array.from({ length: count }, (_, i) => ({ name: `row-${i + 1}`, ...(order ? { order: order(i) } : {}) }));
