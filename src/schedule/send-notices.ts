import {
  beginTry,
  dropOldMessages,
  endMessage,
  foldMessages,
  type PlannedMessage,
  plannedMessages,
  rememberProblem,
  sentSince,
  wasOpened,
} from '../ledger/notice-messages.ts';
import type { Ledger } from '../ledger/open.ts';
import type { Io } from '../model.ts';
import type { Channel, NoticeBody, NoticeMessage, Sent } from '../notices/message.ts';
import { openChannel } from '../notices/open.ts';
import type { ChannelSettings } from '../notices/settings.ts';
import { summaryBody } from '../notices/texts.ts';

const HOUR_MS = 3_600_000;
/** A message that could not be told within a day is news no more; `status` says what is the matter now. */
const GIVE_UP_MS = 24 * HOUR_MS;
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 30 * 60_000;
/** Tries of a message that the channel itself takes exception to. */
const MOST_REFUSALS = 3;
/** Looked at in one go. */
const BATCH = 500;
const MOST_FOLDED = 100_000;

export interface SendContext {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  crashPoint: (name: string) => void;
}

/** Sends what waits, to all channels at once, each in order. A channel that fails holds up itself only. */
export async function sendNotices(context: SendContext, channels: ReadonlyMap<string, ChannelSettings>): Promise<void> {
  const { ledger, io } = context;
  const now = io.now();
  const dropped = dropOldMessages(ledger, new Set(channels.keys()), now - GIVE_UP_MS, now);
  if (dropped > 0) io.log.error({ dropped }, 'notices were given up: they could not be told for a day');
  await Promise.all([...channels].map(([key, settings]) => sendTo(context, key, settings)));
}

async function sendTo(context: SendContext, key: string, settings: ChannelSettings): Promise<void> {
  const { ledger, io, signal } = context;
  fold(context, key, settings.perHour);
  const waiting = plannedMessages(ledger, key, BATCH);
  if (!isDue(waiting[0], io)) return;
  await using channel = await openChannel(settings, io);
  let left = settings.perHour - sentSince(ledger, key, io.now() - HOUR_MS);
  for (const message of waiting) {
    if (signal.aborted || !isDue(message, io)) return;
    const free = isFree(ledger, message, settings);
    if (left <= 0 && !free) continue;
    const sent = await tryOnce(context, channel, message);
    if (sent.kind === 'failed') return;
    if (sent.kind === 'sent' && !free) left--;
  }
}

/** A clock that was set back must not hold messages up for long. */
function isDue(message: PlannedMessage | undefined, io: Pick<Io, 'now'>): boolean {
  return message !== undefined && (message.nextAt <= io.now() || message.nextAt > io.now() + LONGEST_WAIT_MS);
}

/** The end of an incident always goes, and so does a summary: neither can make a storm. */
function isFree(ledger: Ledger, { phase, noticeId, channel }: PlannedMessage, settings: ChannelSettings): boolean {
  if (phase === 'summary') return true;
  return (
    phase === 'solved' && settings.pagerduty !== undefined && noticeId !== null && wasOpened(ledger, noticeId, channel)
  );
}

/** Where more waits than the hour still takes, one summary takes the place of the rest; one an hour. */
function fold({ ledger, io }: SendContext, key: string, perHour: number): void {
  const now = io.now();
  const waiting = plannedMessages(ledger, key, MOST_FOLDED);
  if (waiting.some(({ phase }) => phase === 'summary')) return;
  const left = Math.max(0, perHour - sentSince(ledger, key, now - HOUR_MS));
  if (waiting.length <= left || sentSince(ledger, key, now - HOUR_MS, 'summary') > 0) return;
  // What was begun goes first: it may have been told already.
  const rest = waiting.slice(left).filter(({ attempts, phase, noticeId }) => {
    if (attempts > 0) return false;
    return phase === 'opened' || noticeId === null || !wasOpened(ledger, noticeId, key);
  });
  if (rest.length < 2) return;
  const kinds = new Map<string, number>();
  const jobs = new Set<string>();
  for (const { body, job } of rest) {
    const { kind, phase }: NoticeBody = JSON.parse(body);
    const name = phase === 'solved' ? `${kind} (solved)` : kind;
    kinds.set(name, (kinds.get(name) ?? 0) + 1);
    jobs.add(job);
  }
  const body = JSON.stringify(summaryBody(kinds, [...jobs], now));
  foldMessages(ledger, rest, { job: rest[0]?.job ?? '', channel: key, body }, now);
}

/** The try is known before it is made: who dies in it tries again, under the same id. */
async function tryOnce(context: SendContext, channel: Channel, message: PlannedMessage): Promise<Sent> {
  const { ledger, io, crashPoint } = context;
  const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(message.attempts, 10));
  beginTry(ledger, message.id, io.now() + wait);
  crashPoint('notice-planned');
  const sent = await channel.send(messageOf(ledger, message));
  crashPoint('notice-sent');
  const { id, attempts, job, channel: key } = message;
  if (sent.kind === 'sent') endMessage(ledger, id, 'sent', null, io.now());
  else if (sent.kind === 'refused' && attempts + 1 >= MOST_REFUSALS) {
    endMessage(ledger, id, 'dropped', sent.problem, io.now());
    io.log.error({ job, channel: key, problem: sent.problem }, 'a notice was given up: the channel does not take it');
  } else {
    rememberProblem(ledger, id, sent.problem);
    io.log.warn({ job, channel: key, problem: sent.problem, attempts: attempts + 1 }, 'a notice could not be sent yet');
  }
  return sent;
}

function messageOf(ledger: Ledger, { id, noticeId, body }: PlannedMessage): NoticeMessage {
  const told: NoticeBody = JSON.parse(body);
  const own = `${ledger.id}-m${id}`;
  return { ...told, id: own, subject: noticeId === null ? own : `${ledger.id}-n${noticeId}` };
}
