import { backoffBound } from '../../delivery/backoff.ts';
import { type Answer, type Io, TransferError } from '../../model.ts';
import { createApi, DEFAULT_TIMEOUTS, type ExtoleApi } from './api.ts';
import { classify, clean } from './classify.ts';
import { type ExtoleTimeouts, eventBody, eventsTarget } from './extole.ts';
import { findSteps, type Step } from './person-steps.ts';
import type { ExtoleSettings } from './settings.ts';

/** `drops`: a second event under a known key does not count. `unproven`: nothing could be concluded. */
export type DedupeFinding = 'drops' | 'keeps' | 'unproven';

export interface DedupeVerdict {
  /** The same key under the same event name. */
  withinEvent: DedupeFinding;
  /** The same key under another event name. */
  acrossEvents: DedupeFinding;
  /** What was sent and what was seen, in words. */
  evidence: string;
  key: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** One event of the experiment. `role` is how the evidence calls it. */
interface Probe {
  role: 'first' | 'repeat' | 'other key' | 'other event' | 'other event, other key';
  eventName: string;
  key: string;
  eventId: string;
}

/**
 * Finds out, in the account's test container, whether Extole drops a key that it knows. For one made-up person it sends a
 * key twice under `eventName` and once under `otherEventName`, and looks at the person's steps.
 *
 * An absent step proves nothing by itself: the event may be late, or not configured, or allowed once a person. So `drops`
 * is said only where the first event shows, an event of the same name, the same person and another key shows as well,
 * and the repeated one still does not after `verify.settle`.
 */
export async function verifyDedupe(
  settings: ExtoleSettings,
  eventName: string,
  otherEventName: string,
  io: Io,
  options: { timeouts?: ExtoleTimeouts; signal?: AbortSignal } = {},
): Promise<DedupeVerdict> {
  const test: ExtoleSettings = { ...settings, container: 'test' };
  await using api = createApi(test, options.timeouts ?? DEFAULT_TIMEOUTS, io);
  const { signal } = options;
  // What is asked by then has no answer, and nothing is concluded from it.
  const cut = (): void => void api[Symbol.asyncDispose]();
  signal?.addEventListener('abort', cut, { once: true });
  const id = randomId(io);
  const email = `referry-verify-${id}@example.com`;
  const key = `referry-${id}`;
  const plan: Omit<Probe, 'eventId'>[] = [
    { role: 'first', eventName, key },
    { role: 'repeat', eventName, key },
    { role: 'other key', eventName, key: `${key}-b` },
    { role: 'other event', eventName: otherEventName, key },
    { role: 'other event, other key', eventName: otherEventName, key: `${key}-c` },
  ];

  const sent: Probe[] = [];
  for (const probe of plan) {
    const answer = await submit(api, test, probe, email, io, signal);
    signal?.throwIfAborted();
    if (answer.kind !== 'accepted') {
      const evidence = `the event "${probe.role}" (${probe.eventName}) was not clearly accepted: ${answer.code}, ${answer.reason}`;
      return { withinEvent: 'unproven', acrossEvents: 'unproven', evidence, key, at: io.now() };
    }
    sent.push({ ...probe, eventId: answer.proof.eventId });
  }

  const seen = await watch(api, test, { email, key, sent }, io, signal);
  signal?.throwIfAborted();
  signal?.removeEventListener('abort', cut);
  if (!seen) {
    const evidence = 'Extole did not answer when the steps of the person were asked for; nothing can be concluded';
    return { withinEvent: 'unproven', acrossEvents: 'unproven', evidence, key, at: io.now() };
  }
  return { ...conclude(seen), evidence: evidenceOf(sent, seen), key, at: io.now() };
}

type Roles = ReadonlySet<Probe['role']>;

/** What the steps prove, once nothing more is awaited. */
export function conclude(seen: Roles): Pick<DedupeVerdict, 'withinEvent' | 'acrossEvents'> {
  return {
    withinEvent: finding(seen, 'repeat', 'other key'),
    acrossEvents: finding(seen, 'other event', 'other event, other key'),
  };
}

function finding(seen: Roles, doubtful: Probe['role'], control: Probe['role']): DedupeFinding {
  if (!seen.has('first')) return 'unproven';
  if (seen.has(doubtful)) return 'keeps';
  return seen.has(control) ? 'drops' : 'unproven';
}

/**
 * Looks until everything has shown, or all that is going to: `settle` after both controls, at most `patience`. The last look has
 * to be a whole one: where Extole is too busy to answer, nothing is known, not even what an earlier look saw.
 */
async function watch(
  api: ExtoleApi,
  settings: ExtoleSettings,
  experiment: { email: string; key: string; sent: readonly Probe[] },
  io: Io,
  signal: AbortSignal | undefined,
): Promise<Roles | undefined> {
  const { patience, settle, poll } = settings.verify;
  const started = io.monotonic();
  let settled: number | undefined;
  for (;;) {
    const steps = await findSteps(api, settings, experiment);
    const now = io.monotonic();
    const last = started + patience + settle;
    if (steps === undefined) {
      if (now >= last) return undefined;
      await io.sleep(Math.max(1, Math.min(poll, last - now)), signal);
      continue;
    }
    const seen = rolesSeen(experiment.sent, steps);
    if (seen.size === experiment.sent.length) return seen;
    const proven = seen.has('first') && seen.has('other key') && seen.has('other event, other key');
    if (proven) settled ??= now + settle;
    const end = settled ?? last;
    if (now >= end) return seen;
    await io.sleep(Math.max(1, Math.min(poll, end - now)), signal);
  }
}

/**
 * Which of our events the steps come from. An event that was answered with the id of an earlier one was taken for that
 * one, so it has no step of its own.
 */
function rolesSeen(sent: readonly Probe[], steps: readonly Step[]): Roles {
  const known = new Set<string>();
  const seen = new Set<Probe['role']>();
  for (const { role, eventId } of sent) {
    if (known.has(eventId)) continue;
    known.add(eventId);
    if (steps.some((step) => step.eventIds.includes(eventId))) seen.add(role);
  }
  return seen;
}

async function submit(
  api: ExtoleApi,
  settings: ExtoleSettings,
  probe: Omit<Probe, 'eventId'>,
  email: string,
  io: Io,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const target = eventsTarget(settings, 'events');
  const eventTime = new Date(io.now()).toISOString();
  const body = eventBody({ line: 1, ...probe, eventTime, data: { email } }, settings);
  for (let tries = 1; ; tries += 1) {
    const reply = await api.post(target.url, target.path, body, `referry-verify-${randomId(io)}`);
    const answer = classify(reply, target.api, io.now());
    if (answer.kind === 'halted') {
      throw new TransferError(answer.code, `verify-dedupe was stopped: ${answer.reason}`);
    }
    if (answer.kind !== 'retryable' || tries === MAX_TRIES) return answer;
    await io.sleep(answer.afterMs ?? backoffBound(tries, { first: 1000, cap: 30_000 }), signal);
  }
}

const MAX_TRIES = 5;

function evidenceOf(sent: readonly Probe[], seen: Roles): string {
  const list = sent.map((probe) => {
    const shown = seen.has(probe.role) ? 'shows among the steps' : 'does not show';
    return `${probe.role} (${clean(probe.eventName)}, event ${clean(probe.eventId)}) ${shown}`;
  });
  return `in container test: ${list.join('; ')}`;
}

function randomId(io: Io): string {
  return Math.floor(io.random() * 36 ** 8)
    .toString(36)
    .padStart(8, '0');
}
