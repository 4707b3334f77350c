import type { EventAccount, ExportAccount, PushAccount } from '../accounts.ts';
import type { Counts, FileAccount, Outcome, RunAccount } from '../model.ts';
import { afterImbalances } from './after-rows.ts';
import { balanceOf, balanceOfFile, balanceOfFiles } from './balance.ts';
import { dayOf } from './roll-up.ts';
import { emptyCounts, sumCounts } from './tally.ts';
import { mergeEvents } from './totals.ts';
import { shortened } from './visible.ts';
import { hourOf } from './words.ts';

/** What came on one day, and what has become of it by now. */
export interface DayLine {
  /** `2026-11-20`, in the job's zone: the day on which the files were first seen. */
  day: string;
  /** Files by their state; `files` is their sum. */
  seen: RunAccount['seen'];
  counts: Counts;
  /** Totals by event name, with exact money by currency. */
  events: EventAccount[];
  balanced: boolean;
  /** What does not balance: the first few, in words. */
  imbalances: string[];
  /** Files whose results were published again, as a later revision. */
  revised: { files: number; lastOn: string | null };
  /** Why runs of the day stopped early: distinct codes. */
  halts: string[];
}

export interface ReasonCount {
  outcome: Outcome;
  code: string;
  count: number;
}

/** How many, and since when the oldest waits (ISO 8601); null where there is none. */
export interface WaitingLine {
  what: string;
  count: number;
  oldest: string | null;
}

/** A file that was expected and did not come as it should. */
export interface ExpectedLine {
  day: string;
  state: string;
  /** The processing, where a file is meant. */
  subject: string;
  since: string;
  solvedAt: string | null;
}

/** The roll-up of a job: its last whole day in detail, and the days before it. */
export interface MorningAccount {
  job: string;
  timezone: string;
  /** The day that it is about. */
  day: string;
  /** ISO 8601. */
  madeAt: string;
  /** Oldest first; the last one is `day`. */
  days: DayLine[];
  /** What came after `day`, where anything did. */
  since: DayLine | null;
  /** Files of `day`, as they came. */
  files: FileAccount[];
  /** Files of `day` that are not read yet. */
  unread: string[];
  /** Over all days: how many files came in each hour of the day. */
  hours: number[];
  /** Rejected, in conflict, failed and held rows by code, most frequent first: of `day`, and of all days. */
  reasons: { day: ReasonCount[]; all: ReasonCount[] };
  /** Over all days, without what came since. */
  events: EventAccount[];
  counts: Counts;
  balanced: boolean;
  waiting: WaitingLine[];
  expected: ExpectedLine[];
  /** Those that came to their end on `day`, and those that were held or open when this was made. */
  exports?: ExportAccount[];
  pushes?: PushAccount[];
}

/** A file as the ledger has it now. */
export interface SeenFile {
  name: string;
  /** Milliseconds since 1970. */
  openedAt: number;
  /** Missing where it was not read yet. */
  account: FileAccount | null;
  /** When its results were last published again; null where they never were. */
  revisedAt: number | null;
}

interface Bucket {
  seen: RunAccount['seen'];
  counts: Counts;
  events: EventAccount[];
  imbalances: string[];
  unbalanced: number;
  revised: number;
  revisedAt: number;
  halts: Set<string>;
}

/** Adds files up, day by day. Memory grows with days and event names, and with the files of the last day. */
export interface MorningTally {
  add(files: readonly SeenFile[]): void;
  /** A run that did not balance or stopped early. */
  addRun(run: { startedAt: number; run: string; imbalance: string | null; halted: string | null }): void;
  finish(rest: Pick<MorningAccount, 'job' | 'madeAt' | 'waiting' | 'expected' | 'exports' | 'pushes'>): MorningAccount;
}

const MOST_IMBALANCES = 5;

/** `days`: the days to show, oldest first; what comes after the last of them is told as such. */
export function createMorningTally(days: readonly string[], timezone: string): MorningTally {
  const last = days.at(-1) ?? '';
  const buckets = new Map<string, Bucket>(days.map((day) => [day, emptyBucket()]));
  const later = emptyBucket();
  const files: FileAccount[] = [];
  const unread: string[] = [];
  const hours = Array.from({ length: 24 }, () => 0);
  const reasons = { day: new Map<string, ReasonCount>(), all: new Map<string, ReasonCount>() };
  const bucketAt = (ms: number): { day: string; bucket: Bucket | undefined } => {
    const day = dayOf(new Date(ms).toISOString(), timezone);
    return { day, bucket: day > last ? later : buckets.get(day) };
  };

  const addOne = (file: SeenFile): { bucket: Bucket; events: readonly EventAccount[] } | undefined => {
    const { day, bucket } = bucketAt(file.openedAt);
    if (bucket === undefined) return undefined;
    const { account } = file;
    bucket.seen.files++;
    bucket.seen[account?.state ?? 'open']++;
    if (day <= last) {
      const hour = hourOf(file.openedAt, timezone);
      hours[hour] = (hours[hour] ?? 0) + 1;
    }
    if (file.revisedAt !== null) {
      bucket.revised++;
      bucket.revisedAt = Math.max(bucket.revisedAt, file.revisedAt);
    }
    if (day === last) {
      if (account === null) unread.push(file.name);
      else files.push(account);
    }
    if (account === null) return undefined;
    bucket.counts = sumCounts([bucket.counts, account.counts]);
    const balance = balanceOfFile(account);
    if (!balance.balanced || !account.balanced)
      complain(
        bucket,
        `${shortened(account.name, 64)}: ${balance.balanced ? (account.imbalance ?? CLOSED) : balance.imbalance}`,
      );
    if (day <= last) for (const reason of account.reasons) count(reasons.all, reason);
    if (day === last) for (const reason of account.reasons) count(reasons.day, reason);
    return { bucket, events: account.byEvent };
  };

  return {
    add(all) {
      const events = new Map<Bucket, EventAccount[]>();
      for (const file of all) {
        const added = addOne(file);
        if (added) events.set(added.bucket, [...(events.get(added.bucket) ?? []), ...added.events]);
      }
      for (const [bucket, more] of events) bucket.events = mergeEvents([...bucket.events, ...more]);
    },
    addRun({ startedAt, run, imbalance, halted }) {
      const { bucket } = bucketAt(startedAt);
      if (bucket === undefined) return;
      if (imbalance !== null) complain(bucket, `run ${run}: ${imbalance}`);
      if (halted !== null) bucket.halts.add(halted);
    },
    finish(rest) {
      const lines = [...buckets].map(([day, bucket]) => lineOf(day, bucket, timezone));
      const since = later.seen.files === 0 && later.halts.size === 0 && later.unbalanced === 0 ? null : later;
      return {
        ...rest,
        timezone,
        day: last,
        days: lines,
        since: since && lineOf(`after ${last}`, since, timezone),
        files,
        unread,
        hours,
        reasons: { day: sorted(reasons.day), all: sorted(reasons.all) },
        events: mergeEvents(lines.flatMap((line) => line.events)),
        counts: sumCounts(lines.map((line) => line.counts)),
        balanced: lines.every((line) => line.balanced) && afterImbalances(rest).length === 0,
      };
    },
  };
}

const CLOSED = 'its account was closed without a balance';

function emptyBucket(): Bucket {
  return {
    seen: { files: 0, processed: 0, held: 0, refused: 0, open: 0 },
    counts: emptyCounts(),
    events: [],
    imbalances: [],
    unbalanced: 0,
    revised: 0,
    revisedAt: 0,
    halts: new Set(),
  };
}

function complain(bucket: Bucket, imbalance: string): void {
  bucket.unbalanced++;
  if (bucket.imbalances.length < MOST_IMBALANCES) bucket.imbalances.push(imbalance);
}

function lineOf(day: string, bucket: Bucket, timezone: string): DayLine {
  const { seen, counts, events, revised, revisedAt, halts } = bucket;
  // Added up again here, so that a mistake in the adding shows as well.
  const whole = [balanceOf(counts), balanceOfFiles(seen)];
  const imbalances = [
    ...bucket.imbalances,
    ...whole.flatMap((balance) => (balance.balanced ? [] : [`the day: ${balance.imbalance}`])),
  ];
  return {
    day,
    seen,
    counts,
    events,
    balanced: imbalances.length === 0,
    imbalances,
    revised: { files: revised, lastOn: revised === 0 ? null : dayOf(new Date(revisedAt).toISOString(), timezone) },
    halts: [...halts].sort(),
  };
}

function count(into: Map<string, ReasonCount>, { outcome, code, count }: ReasonCount): void {
  // That a row is known already is no trouble.
  if (outcome === 'duplicate' || outcome === 'delivered') return;
  const id = `${outcome} ${code}`;
  const known = into.get(id);
  if (known === undefined) into.set(id, { outcome, code, count });
  else known.count += count;
}

function sorted(reasons: ReadonlyMap<string, ReasonCount>): ReasonCount[] {
  return [...reasons.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}
