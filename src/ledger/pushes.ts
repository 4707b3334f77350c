import type { PushAccount } from '../accounts.ts';
import type { Outcome } from '../model.ts';
import { fenceOf, mustHold } from './fence.ts';
import type { KnownLink, LinkPlace } from './links.ts';
import { LINK_COLUMNS } from './links.ts';
import type { Ledger } from './open.ts';

/** A target of a job, at one account. */
export interface PushTo {
  id: number;
  /** Hash of what decides about whom and what it is given; empty before its first pass. */
  settings: string;
  /** Links with a higher seq were not looked at yet. */
  seq: number;
}

/** One pass over the links that changed. It stays open until each of them has an outcome, over several runs where it must. */
export interface Push {
  id: number;
  state: 'open' | 'closed';
  /** With other settings than before: everybody is looked at again, and who was refused is tried again. */
  whole: boolean;
  settings: string;
  /** Links with a seq in (from, to], and those up to `from` that failed before. */
  seqFrom: number;
  seqTo: number;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Its results file, which is whole on this machine, and may or may not be in place. */
  planned?: PlannedResults;
}

export interface PlannedResults {
  /** Of the local file, and in the end. */
  name: string;
  size: number;
  sha256: string;
  lines: number;
}

/** What a person was last given, and what came of it. */
export interface PushRow {
  pushId: number;
  /** Keyed hash of identifiers and fields. */
  hash: string;
  outcome: PushOutcome;
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  /** Milliseconds since 1970; 0 where nothing was tried. */
  at: number;
  /** Since when it has failed, milliseconds since 1970; 0 where it did not. */
  failedAt: number;
}

export type PushOutcome = Extract<Outcome, 'delivered' | 'duplicate' | 'rejected' | 'failed' | 'held'>;

type Reading = Pick<Ledger, 'db'>;

/** The target's place in the ledger; made on first sight. */
export function pushTo(ledger: Ledger, job: string, target: string, destinationId: number): PushTo {
  const { db } = ledger;
  mustHold(ledger);
  db.prepare('INSERT INTO push_targets (job, target, destination_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
    job,
    target,
    destinationId,
  );
  const row = db
    .prepare<[string, string, number], PushTo>(
      'SELECT id, settings, seq FROM push_targets WHERE job = ? AND target = ? AND destination_id = ?',
    )
    .get(job, target, destinationId);
  if (!row) throw new Error('the target just added is not in the ledger');
  return row;
}

const PUSH = `id, state, whole, settings, seq_from AS seqFrom, seq_to AS seqTo, started_at AS startedAt, account`;

/** The pass of a target that is open. */
export function openPush({ db }: Reading, to: number): Push | undefined {
  const row = db
    .prepare<[number], Omit<Push, 'whole'> & { whole: number; account: string }>(
      `SELECT ${PUSH} FROM pushes WHERE push_target_id = ? AND state = 'open' ORDER BY id DESC LIMIT 1`,
    )
    .get(to);
  if (!row) return undefined;
  const { whole, account, ...push } = row;
  return { ...push, whole: whole === 1, ...(account === '' ? {} : { planned: JSON.parse(account) }) };
}

/** Keeps what the results of a pass are before they leave: every row has its outcome, and a repetition puts the same bytes in place. */
export function planPushResults(ledger: Ledger, push: number, planned: PlannedResults): void {
  mustHold(ledger);
  ledger.db.prepare('UPDATE pushes SET account = ? WHERE id = ?').run(JSON.stringify(planned), push);
}

export function beginPush(ledger: Ledger, to: number, push: Omit<Push, 'id' | 'state'>): Push {
  mustHold(ledger);
  const made = ledger.db
    .prepare(
      `INSERT INTO pushes (push_target_id, state, whole, settings, seq_from, seq_to, started_at)
       VALUES (?, 'open', ?, ?, ?, ?, ?)`,
    )
    .run(to, push.whole ? 1 : 0, push.settings, push.seqFrom, push.seqTo, push.startedAt);
  return { ...push, id: Number(made.lastInsertRowid), state: 'open' };
}

/** Names of results files that are whole on this machine, and may not be in place. */
export function resultsOnTheirWay({ db }: Reading): string[] {
  return db
    .prepare<[], { name: string }>(
      "SELECT json_extract(account, '$.name') AS name FROM pushes WHERE state = 'open' AND account <> ''",
    )
    .all()
    .map(({ name }) => name);
}

/** Why an open pass could not be brought on. */
export function stopPush(ledger: Ledger, push: number, why: { code: string; reason: string }): void {
  mustHold(ledger);
  ledger.db.prepare('UPDATE pushes SET code = ?, reason = ? WHERE id = ?').run(why.code, why.reason, push);
}

/** Ends a pass whose results are in place: what it looked at is not looked at again. */
export function closePush(ledger: Ledger, to: number, push: Push, account: PushAccount, now: number): void {
  const { db } = ledger;
  db.transaction(() => {
    mustHold(ledger);
    db.prepare("UPDATE pushes SET state = 'closed', ended_at = ?, account = ?, results_path = ? WHERE id = ?").run(
      now,
      JSON.stringify(account),
      account.resultsPath ?? '',
      push.id,
    );
    db.prepare('UPDATE push_targets SET settings = ?, seq = ? WHERE id = ?').run(push.settings, push.seqTo, to);
  }).immediate();
}

/** A link, and what is known of it at the target. */
export interface Candidate {
  link: KnownLink;
  row: PushRow | undefined;
}

const ROW = `r.push_id AS pushId, r.hash, r.outcome, r.code AS rowCode, r.reason, r.event_id AS eventId, r.attempts, r.at, r.failed_at AS failedAt`;
type Joined = KnownLink & { [Name in keyof Omit<PushRow, 'code'>]: PushRow[Name] | null } & { rowCode: string | null };

function candidateOf(joined: Joined): Candidate {
  const { pushId, hash, outcome, rowCode, reason, eventId, attempts, at, failedAt, ...link } = joined;
  if (pushId === null || hash === null || outcome === null) return { link, row: undefined };
  const row = { pushId, hash, outcome, code: rowCode ?? '', reason: reason ?? '', eventId: eventId ?? '' };
  return { link, row: { ...row, attempts: attempts ?? 0, at: at ?? 0, failedAt: failedAt ?? 0 } };
}

const QUALIFIED = LINK_COLUMNS.replace(/(^|,\s*)(\w+)/g, '$1l.$2');

/** Links of a pass with seq in (after, to], in the order of seq; at most `limit`. */
export function changedForPush(
  { db }: Reading,
  { destinationId, label }: LinkPlace,
  to: number,
  seqs: { after: number; to: number },
  limit: number,
): Candidate[] {
  return db
    .prepare<[number, number, string, number, number, number], Joined>(
      `SELECT ${QUALIFIED}, ${ROW} FROM links l LEFT JOIN push_rows r ON r.push_target_id = ? AND r.link_id = l.id
       WHERE l.destination_id = ? AND l.label = ? AND l.seq > ? AND l.seq <= ? ORDER BY l.seq LIMIT ?`,
    )
    .all(to, destinationId, label.toLowerCase(), seqs.after, seqs.to, limit)
    .map(candidateOf);
}

/**
 * Links that failed in an earlier pass and did not change since, in the order of their numbers after one; at most `limit`. Those that
 * changed are among the changed ones of this pass; or of the next, as one may that is on the wire: twice side by side, the older one may
 * land last.
 */
export function failedForPush(
  { db }: Reading,
  { destinationId, label }: LinkPlace,
  to: number,
  { seqFrom }: Pick<Push, 'seqFrom'>,
  { after, limit }: { after: number; limit: number },
): Candidate[] {
  return db
    .prepare<[number, number, number, string, number, number], Joined>(
      `SELECT ${QUALIFIED}, ${ROW} FROM push_rows r JOIN links l ON l.id = r.link_id
       WHERE r.push_target_id = ? AND r.outcome = 'failed' AND r.link_id > ? AND l.destination_id = ? AND l.label = ?
         AND l.seq <= ?
       ORDER BY r.link_id LIMIT ?`,
    )
    .all(to, after, destinationId, label.toLowerCase(), seqFrom, limit)
    .map(candidateOf);
}

/** Records what became of links in a pass, in one transaction. Prepared once for a pass. */
export function pushRecorder(ledger: Ledger, to: number): (rows: readonly (PushRow & { linkId: number })[]) => void {
  const { db } = ledger;
  const holds = fenceOf(ledger);
  // A link that went meanwhile takes its outcome along.
  const put = db.prepare(
    `INSERT INTO push_rows (push_target_id, link_id, push_id, hash, outcome, code, reason, event_id, attempts, at, failed_at)
     SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM links WHERE id = ?
     ON CONFLICT (push_target_id, link_id) DO UPDATE SET push_id = excluded.push_id, hash = excluded.hash,
       outcome = excluded.outcome, code = excluded.code, reason = excluded.reason, event_id = excluded.event_id,
       attempts = excluded.attempts, at = excluded.at, failed_at = excluded.failed_at`,
  );
  const record = db.transaction((rows: readonly (PushRow & { linkId: number })[]) => {
    holds();
    for (const { linkId, pushId, hash, outcome, code, reason, eventId, attempts, at, failedAt } of rows)
      put.run(to, pushId, hash, outcome, code, reason, eventId, attempts, at, failedAt, linkId);
  });
  return (rows) => record.immediate(rows);
}

/** A row of a pass as its results tell it: who, and what came of it. */
interface ToldRow extends Pick<PushRow, 'outcome' | 'code' | 'reason' | 'eventId' | 'attempts' | 'at'> {
  linkId: number;
  email: string | null;
  partnerUserId: string | null;
  link: string;
}

/** Rows of a pass that have their outcome, in the order of their links' numbers, which are in (after, before); at most `limit`. */
export function rowsOfPush(
  { db }: Reading,
  push: number,
  links: { after: number; before: number },
  limit: number,
): ToldRow[] {
  return db
    .prepare<[number, number, number, number], ToldRow>(
      `SELECT l.id AS linkId, l.email, l.partner_user_id AS partnerUserId, l.link, r.outcome, r.code, r.reason,
         r.event_id AS eventId, r.attempts, r.at
       FROM push_rows r JOIN links l ON l.id = r.link_id
       WHERE r.push_id = ? AND r.link_id > ? AND r.link_id < ? ORDER BY r.link_id LIMIT ?`,
    )
    .all(push, links.after, links.before, limit);
}

/** How many rows of a pass have each outcome. */
export function countsOfPush({ db }: Reading, push: number): Partial<Record<PushOutcome, number>> {
  const rows = db
    .prepare<[number], { outcome: PushOutcome; n: number }>(
      'SELECT outcome, count(*) AS n FROM push_rows WHERE push_id = ? GROUP BY outcome',
    )
    .all(push);
  return Object.fromEntries(rows.map(({ outcome, n }) => [outcome, n]));
}

/** How many links a pass has yet to look at or to send. */
export function openOfPush({ db }: Reading, { destinationId, label }: LinkPlace, to: number, push: Push): number {
  const row = db
    .prepare<(number | string)[], { n: number }>(
      `SELECT (SELECT count(*) FROM links l LEFT JOIN push_rows r ON r.push_target_id = ? AND r.link_id = l.id
           WHERE l.destination_id = ? AND l.label = ? AND l.seq > ? AND l.seq <= ? AND (r.push_id IS NULL OR r.push_id <> ?))
         + (SELECT count(*) FROM push_rows r JOIN links l ON l.id = r.link_id
           WHERE r.push_target_id = ? AND r.outcome = 'failed' AND r.push_id <> ? AND l.destination_id = ? AND l.label = ?
             AND l.seq <= ?) AS n`,
    )
    .get(
      ...[to, destinationId, label.toLowerCase(), push.seqFrom, push.seqTo, push.id],
      ...[to, push.id, destinationId, label.toLowerCase(), push.seqFrom],
    );
  return row?.n ?? 0;
}
