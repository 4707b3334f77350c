import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { countMembers } from './segment-members.ts';

export type SyncKind = 'snapshot' | 'changes' | 'repair';

/** One sync of one segment: what was found, and what has come of it so far. */
export interface Sync {
  id: number;
  segmentId: number;
  processingId: number | null;
  kind: SyncKind;
  /** superseded: a newer snapshot was synced before this one was released. */
  state: 'held' | 'running' | 'done' | 'superseded';
  startedAt: number;
  endedAt: number | null;
  /** Confirmed members at the start. */
  before: number;
  /** Members that the file names, each once. */
  listed: number;
  toAdd: number;
  toRemove: number;
  unchanged: number;
  added: number;
  removed: number;
  /** Members that the target refused. */
  rejected: number;
  /** Confirmed members, counted at the end. */
  after: number | null;
}

const COLUMNS = `id, segment_id AS segmentId, processing_id AS processingId, kind, state, started_at AS startedAt, ended_at AS endedAt,
  before, listed, to_add AS toAdd, to_remove AS toRemove, unchanged, added, removed, rejected, after`;

export type Planned = Pick<
  Sync,
  'segmentId' | 'processingId' | 'kind' | 'before' | 'listed' | 'toAdd' | 'toRemove' | 'unchanged'
>;

/** Writes down what a sync is about to do, or why not yet; a sync that was held before begins anew. */
export function beginSync(ledger: Ledger, plan: Planned, state: 'held' | 'running', now: number): Sync {
  const { db } = ledger;
  const numbers = [plan.kind, state, now, plan.before, plan.listed, plan.toAdd, plan.toRemove, plan.unchanged];
  const id = db
    .transaction((): number | bigint => {
      mustHold(ledger);
      const earlier = plan.processingId === null ? undefined : syncOf(ledger, plan.processingId, plan.segmentId);
      if (earlier) {
        db.prepare(
          `UPDATE segment_syncs SET kind = ?, state = ?, started_at = ?, before = ?, listed = ?, to_add = ?, to_remove = ?, unchanged = ?,
             ended_at = NULL WHERE id = ? AND state = 'held'`,
        ).run(...numbers, earlier.id);
        return earlier.id;
      }
      return db
        .prepare(
          `INSERT INTO segment_syncs (kind, state, started_at, before, listed, to_add, to_remove, unchanged, segment_id, processing_id)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(...numbers, plan.segmentId, plan.processingId).lastInsertRowid;
    })
    .immediate();
  return getSync(ledger, Number(id));
}

export function getSync({ db }: Pick<Ledger, 'db'>, id: number): Sync {
  const sync = db.prepare<[number], Sync>(`SELECT ${COLUMNS} FROM segment_syncs WHERE id = ?`).get(id);
  if (!sync) throw new Error(`the sync ${id} is not in the ledger`);
  return sync;
}

export function syncOf({ db }: Pick<Ledger, 'db'>, processing: number, segment: number): Sync | undefined {
  return db
    .prepare<[number, number], Sync>(`SELECT ${COLUMNS} FROM segment_syncs WHERE processing_id = ? AND segment_id = ?`)
    .get(processing, segment);
}

/** The syncs that a file made, in the order in which they began. */
export function syncsOf({ db }: Pick<Ledger, 'db'>, processing: number): (Sync & { segment: string })[] {
  return db
    .prepare<[number], Sync & { segment: string }>(
      `SELECT ${prefixed('y')}, s.name AS segment FROM segment_syncs y JOIN segments s ON s.id = y.segment_id
       WHERE y.processing_id = ? ORDER BY y.id`,
    )
    .all(processing);
}

/** Syncs of a segment that are through, by files that came after one, newest first. */
export function syncsSince(
  { db }: Pick<Ledger, 'db'>,
  processing: number,
  segment: string,
): { kind: Sync['kind']; processingId: number }[] {
  return db
    .prepare<[string, number, number], { kind: Sync['kind']; processingId: number }>(
      `SELECT y.kind, y.processing_id AS processingId FROM segment_syncs y JOIN segments s ON s.id = y.segment_id
       WHERE s.name = ? AND s.job = (SELECT job FROM processings WHERE id = ?) AND y.state = 'done' AND y.processing_id > ?
       ORDER BY y.id DESC`,
    )
    .all(segment, processing, processing);
}

/** The last syncs of a segment, oldest first. */
export function historyOf({ db }: Pick<Ledger, 'db'>, segment: number, most: number): Sync[] {
  return db
    .prepare<[number, number], Sync>(
      `SELECT * FROM (SELECT ${COLUMNS} FROM segment_syncs WHERE segment_id = ? ORDER BY id DESC LIMIT ?) ORDER BY id`,
    )
    .all(segment, most);
}

/** The sync of a segment that is not through yet, if there is one. */
export function runningSync({ db }: Pick<Ledger, 'db'>, segment: number): Sync | undefined {
  return db
    .prepare<[number], Sync>(
      `SELECT ${COLUMNS} FROM segment_syncs WHERE segment_id = ? AND state = 'running' ORDER BY id LIMIT 1`,
    )
    .get(segment);
}

/** Whether a snapshot of a later file was synced: what an earlier one says counts no more. */
export function laterSnapshot({ db }: Pick<Ledger, 'db'>, segment: number, processing: number): number | undefined {
  return db
    .prepare<[number, number], { id: number }>(
      `SELECT processing_id AS id FROM segment_syncs
       WHERE segment_id = ? AND processing_id > ? AND kind = 'snapshot' AND state IN ('running','done') ORDER BY id LIMIT 1`,
    )
    .get(segment, processing)?.id;
}

/**
 * The newest other file that was synced after one: to a segment that this one was synced to, or, where it came to no sync, to any of its
 * job. To judge the earlier one anew would make it the newest.
 */
export function syncedSince(
  { db }: Pick<Ledger, 'db'>,
  processing: number,
): { processing: number; name: string } | undefined {
  return db
    .prepare<[number, number, number, number], { processing: number; name: string }>(
      `SELECT p.id AS processing, p.name FROM segment_syncs y JOIN processings p ON p.id = y.processing_id
         JOIN processings e ON e.id = ? AND e.job = p.job AND (e.file_id <> p.file_id OR e.name <> p.name)
       WHERE y.processing_id > ? AND y.state IN ('running','done')
         AND (y.segment_id IN (SELECT segment_id FROM segment_syncs WHERE processing_id = ?)
           OR NOT EXISTS (SELECT 1 FROM segment_syncs WHERE processing_id = ?))
       ORDER BY p.id DESC LIMIT 1`,
    )
    .get(processing, processing, processing, processing);
}

/**
 * Files of the same job that came before one, and that a person has to decide about. `compared`: it is known to be about this segment; else
 * it was held before it was looked what it would change.
 */
export function heldBefore(
  { db }: Pick<Ledger, 'db'>,
  segment: number,
  processing: number,
): { id: number; name: string; compared: boolean }[] {
  return db
    .prepare<[number, number, number], { id: number; name: string; syncs: number; its: number | null }>(
      `SELECT p.id, p.name, count(y.id) AS syncs, sum(y.segment_id = ? AND y.state = 'held') AS its
       FROM processings p LEFT JOIN segment_syncs y ON y.processing_id = p.id
       WHERE p.job = (SELECT job FROM processings WHERE id = ?) AND p.id < ?
         AND json_extract(p.refusal, '$.verdict') = 'held' GROUP BY p.id ORDER BY p.id`,
    )
    .all(segment, processing, processing)
    .filter(({ syncs, its }) => syncs === 0 || its)
    .map(({ id, name, syncs }) => ({ id, name, compared: syncs > 0 }));
}

/** How many of those whom the last snapshot names the target refused: the next one asks for them again. */
export function lastRejected({ db }: Pick<Ledger, 'db'>, segment: number): number {
  return (
    db
      .prepare<[number], { refused: number }>(
        "SELECT to_add - added AS refused FROM segment_syncs WHERE segment_id = ? AND kind = 'snapshot' AND state = 'done' ORDER BY ended_at DESC, id DESC LIMIT 1",
      )
      .get(segment)?.refused ?? 0
  );
}

/** Ends a sync without sending anything. */
export function supersede(ledger: Ledger, sync: number, now: number): void {
  mustHold(ledger);
  ledger.db
    .prepare("UPDATE segment_syncs SET state = 'superseded', ended_at = ? WHERE id = ? AND state = 'held'")
    .run(now, sync);
}

/** Ends a sync whose changes are all answered: counts the members anew. */
export function endSync(ledger: Ledger, sync: Pick<Sync, 'id' | 'segmentId'>, now: number): Sync {
  const { db } = ledger;
  db.transaction(() => {
    mustHold(ledger);
    const after = countMembers(ledger, sync.segmentId);
    db.prepare(
      `UPDATE segment_syncs SET state = 'done', ended_at = ?, after = ?,
         rejected = (SELECT count(*) FROM segment_refusals WHERE sync_id = segment_syncs.id) WHERE id = ?`,
    ).run(now, after, sync.id);
    db.prepare('UPDATE segments SET members = ?, synced_at = ? WHERE id = ?').run(after, now, sync.segmentId);
  }).immediate();
  return getSync(ledger, sync.id);
}

const prefixed = (table: string): string => COLUMNS.replace(/(^|, +|,\s+)([a-z_]+)/g, `$1${table}.$2`);
