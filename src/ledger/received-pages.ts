import { hash } from 'node:crypto';
import { fenceOf } from './fence.ts';
import type { Ledger } from './open.ts';

/** A page of a segment's changes, as its provider posts it. */
export interface TellPage {
  job: string;
  /** The provider's number of the segment. */
  segment: string;
  segmentName: string;
  /** `sync`: some gained, some lost. `drain`: the segment is gone. */
  kind: 'sync' | 'drain';
  /** Pages of one task belong together. Empty for a drain. */
  task: string;
  /** From 1. 0 for a drain, as `pages`. */
  page: number;
  pages: number;
  /** Nobody in it twice; who is in both is removed. */
  add: readonly string[];
  remove: readonly string[];
  /** Members of the page whose id cannot be read, and who are in neither list. */
  rejected: number;
}

/** A page in the ledger. */
export interface ReceivedPage extends Omit<TellPage, 'add' | 'remove'> {
  id: number;
  adds: number;
  removes: number;
  /** Milliseconds since 1970. */
  receivedAt: number;
  taskAt: number;
}

/** What a page does to one member. */
export interface MemberChange {
  member: string;
  removed: boolean;
}

/** `known`: the same page was taken before. `full`: too much waits to be taken up already; it may come again later. */
export type PageEnd = 'new' | 'known' | 'full';

/** More members than that do not wait for one job: whoever should take them up does not. */
export const MOST_MEMBERS_WAITING = 10_000_000;

/** SQL: in the order in which the provider made them. */
const IN_ORDER = 'task_at, id';
const COLUMNS = `id, job, segment, segment_name AS segmentName, kind, task, task_at AS taskAt, page, pages, adds, removes, rejected,
  received_at AS receivedAt`;

/** Records a page once, in a transaction or as part of the caller's. Repeating it is harmless. */
export function recordPage(ledger: Ledger, told: TellPage, now: number, most = MOST_MEMBERS_WAITING): PageEnd {
  const { db } = ledger;
  const record = db.transaction((): PageEnd => {
    fenceOf(ledger)();
    if (told.kind === 'drain' ? drainWaits(ledger, told) : isKnown(ledger, told)) return 'known';
    const members = told.add.length + told.remove.length;
    if (membersWaiting(ledger, told.job) + members > most) return 'full';
    const taskAt = timeOfTask(told.task, now) ?? firstOfTask(ledger, told) ?? now;
    // A drain may come again, once the one before was taken up.
    const content = told.kind === 'drain' ? `drain ${nextId(ledger)}` : contentOf(told);
    const { lastInsertRowid: id } = db
      .prepare(
        `INSERT INTO received_pages (job, segment, segment_name, kind, task, task_at, page, pages, content, adds, removes, rejected, received_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...[told.job, told.segment, told.segmentName, told.kind, told.task, taskAt, told.page, told.pages, content],
        ...[told.add.length, told.remove.length, told.rejected, now],
      );
    const insert = db.prepare(
      'INSERT INTO received_members (page_id, member, removed) SELECT ?, value, ? FROM json_each(?)',
    );
    if (told.add.length > 0) insert.run(id, 0, JSON.stringify(told.add));
    if (told.remove.length > 0) insert.run(id, 1, JSON.stringify(told.remove));
    return 'new';
  });
  return record.immediate();
}

/** Pages of a job that wait to be taken up, of one segment or of all, in the order in which the provider made them. */
export function pagesOf({ db }: Pick<Ledger, 'db'>, job: string, segment?: string): ReceivedPage[] {
  const one = segment === undefined ? '' : 'AND segment = ?';
  return db
    .prepare<string[], ReceivedPage>(
      `SELECT ${COLUMNS} FROM received_pages WHERE job = ? AND taken_up_at IS NULL ${one} ORDER BY segment, ${IN_ORDER}`,
    )
    .all(...(segment === undefined ? [job] : [job, segment]));
}

/**
 * What waiting pages do to a segment, all in all: each member once, in the order of their bytes. `keyOf`: the same of two spellings of one
 * member, as of an e-mail address in capital letters; the last spelling is given. Where pages disagree the later one counts, also where it was taken up already and the earlier one came late: then nothing happens to the member. Pages from before the
 * last drain do nothing. As it stands at the first look; others may write while it is read.
 */
export function* changesOf(
  { db }: Pick<Ledger, 'db'>,
  job: string,
  segment: string,
  pages: readonly Pick<ReceivedPage, 'id'>[],
  keyOf: (member: string) => string,
): Generator<MemberChange> {
  const drained = db
    .prepare<[string, string], { at: number; id: number }>(
      "SELECT task_at AS at, id FROM received_pages WHERE job = ? AND segment = ? AND kind = 'drain' ORDER BY task_at DESC, id DESC LIMIT 1",
    )
    .get(job, segment) ?? { at: -1, id: 0 };
  db.exec(
    'CREATE TEMP TABLE IF NOT EXISTS changes (reading integer, member text, removed integer, PRIMARY KEY (reading, member)) WITHOUT ROWID',
  );
  db.function('key_of_member', { deterministic: true }, (member: unknown) => keyOf(String(member)));
  const last = db.prepare<[], { n: number }>('SELECT coalesce(max(reading), 0) AS n FROM temp.changes').get();
  const reading = (last?.n ?? 0) + 1;
  try {
    db.prepare(
      `INSERT INTO temp.changes SELECT ?, member, removed FROM (
         SELECT m.member, m.removed, p.id, row_number() OVER
           (PARTITION BY key_of_member(m.member) ORDER BY p.task_at DESC, p.id DESC, m.removed DESC) AS place
         FROM received_pages p JOIN received_members m ON m.page_id = p.id
         WHERE p.job = ? AND p.segment = ? AND (p.task_at, p.id) > (?, ?))
       WHERE place = 1 AND id IN (SELECT value FROM json_each(?))`,
    ).run(reading, job, segment, drained.at, drained.id, JSON.stringify(pages.map(({ id }) => id)));
    const next = db.prepare<[number, string, number], { member: string; removed: number }>(
      'SELECT member, removed FROM temp.changes WHERE reading = ? AND member > ? ORDER BY member LIMIT ?',
    );
    for (let rows = next.all(reading, '', AT_ONCE); rows.length > 0; ) {
      for (const { member, removed } of rows) yield { member, removed: removed === 1 };
      rows = next.all(reading, rows.at(-1)?.member ?? '', AT_ONCE);
    }
  } finally {
    db.prepare('DELETE FROM temp.changes WHERE reading = ?').run(reading);
  }
}

const AT_ONCE = 2000;

/** Says that pages were taken up: they are not given again. In a transaction or as part of the caller's. */
export function takenUp(ledger: Ledger, pages: readonly Pick<ReceivedPage, 'id'>[], now: number): void {
  const { db } = ledger;
  const change = db.prepare('UPDATE received_pages SET taken_up_at = ? WHERE id = ? AND taken_up_at IS NULL');
  db.transaction(() => {
    fenceOf(ledger)();
    for (const { id } of pages) change.run(now, id);
  }).immediate();
}

/**
 * The segments of which changes that were taken up wait for a person; `all`: a whole file of them does. `begin`: how the names of such
 * files begin.
 */
export function heldOfGathered({ db }: Pick<Ledger, 'db'>, job: string, begin: string): ReadonlySet<string> | 'all' {
  const held = db
    .prepare<[string, string, string], { segments: string | null }>(
      `SELECT json_extract(refusal, '$.segments') AS segments FROM processings
       WHERE job = ? AND substr(name, 1, length(?)) = ? AND json_extract(refusal, '$.verdict') = 'held'`,
    )
    .all(job, begin, begin);
  if (held.some(({ segments }) => segments === null)) return 'all';
  return new Set(held.flatMap(({ segments }) => Object.keys(JSON.parse(segments ?? '{}'))));
}

/** How many members are in pages that wait. */
export function membersWaiting({ db }: Pick<Ledger, 'db'>, job: string): number {
  return (
    db
      .prepare<[string], { n: number }>(
        'SELECT coalesce(sum(adds + removes), 0) AS n FROM received_pages WHERE job = ? AND taken_up_at IS NULL',
      )
      .get(job)?.n ?? 0
  );
}

function isKnown({ db }: Pick<Ledger, 'db'>, told: TellPage): boolean {
  const same = db.prepare(
    'SELECT 1 FROM received_pages WHERE job = ? AND segment = ? AND task = ? AND page = ? AND content = ?',
  );
  return same.get(told.job, told.segment, told.task, told.page, contentOf(told)) !== undefined;
}

/** Whether a drain is the last thing that waits for this segment. */
function drainWaits({ db }: Pick<Ledger, 'db'>, { job, segment }: TellPage): boolean {
  const last = db.prepare<[string, string], { kind: string }>(
    'SELECT kind FROM received_pages WHERE job = ? AND segment = ? AND taken_up_at IS NULL ORDER BY id DESC LIMIT 1',
  );
  return last.get(job, segment)?.kind === 'drain';
}

function firstOfTask({ db }: Pick<Ledger, 'db'>, { job, segment, task }: TellPage): number | undefined {
  if (task === '') return undefined;
  const first = db.prepare<[string, string, string], { at: number | null }>(
    'SELECT min(task_at) AS at FROM received_pages WHERE job = ? AND segment = ? AND task = ?',
  );
  return first.get(job, segment, task)?.at ?? undefined;
}

function nextId({ db }: Pick<Ledger, 'db'>): number {
  return db.prepare<[], { n: number }>('SELECT coalesce(max(id), 0) + 1 AS n FROM received_pages').get()?.n ?? 1;
}

/** The same in another order is the same. */
const contentOf = ({ add, remove }: TellPage): string =>
  hash('sha256', JSON.stringify([[...add].sort(), [...remove].sort()]), 'hex');

const DAY = 86_400_000;
/** From the first day of the Gregorian calendar, which UUIDs count from, to 1970, in units of 100 ns. */
const UUID_EPOCH = 122_192_928_000_000_000n;

/** The moment in a UUID of version 1; `undefined` in any other text, and where it is not of these days. Milliseconds since 1970. */
export function timeOfTask(task: string, now: number): number | undefined {
  const [, low, mid, high] = /^([\da-f]{8})-([\da-f]{4})-1([\da-f]{3})-[89ab][\da-f]{3}-[\da-f]{12}$/i.exec(task) ?? [];
  if (low === undefined || mid === undefined || high === undefined) return undefined;
  const at = Number((BigInt(`0x${high}${mid}${low}`) - UUID_EPOCH) / 10_000n);
  return at > now - 30 * DAY && at <= now + DAY ? at : undefined;
}
