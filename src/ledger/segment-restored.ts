import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { countMembers, memberWriter } from './segment-members.ts';
import { type Sync, type SyncKind, syncOf } from './segment-syncs.ts';

/** A restore of the ledger, milliseconds since 1970. */
export interface Restore {
  madeAt: number;
  restoredAt: number;
}

/**
 * The newest restore since which no sync of a segment came to its end, where there was one before: what is confirmed is as old as the backup, and the
 * target may be newer. A repair makes the target what is confirmed, and proves nothing.
 */
export function restoredSince({ db }: Pick<Ledger, 'db'>, segment: number): Restore | undefined {
  return db
    .prepare<[number, number], Restore>(
      `SELECT backup_made_at AS madeAt, restored_at AS restoredAt FROM restores r
       WHERE EXISTS (SELECT 1 FROM segment_syncs y WHERE y.segment_id = ? AND y.kind <> 'repair' AND y.state IN ('running','done')
           AND y.started_at <= r.restored_at)
         AND NOT EXISTS (SELECT 1 FROM segment_syncs y WHERE y.segment_id = ? AND y.kind <> 'repair' AND y.state = 'done'
           AND y.ended_at > r.restored_at)
       ORDER BY r.id DESC LIMIT 1`,
    )
    .get(segment, segment);
}

/** A sync that was under way when the backup was made begins anew: what was on the wire then is out of date. */
export function beginAnew(ledger: Ledger, sync: Pick<Sync, 'id'>): void {
  const { db } = ledger;
  db.transaction(() => {
    mustHold(ledger);
    dropWork(ledger, sync.id);
    db.prepare(
      `UPDATE segment_syncs SET state = 'held', added = 0, removed = 0, rejected = 0, ended_at = NULL WHERE id = ? AND state = 'running'`,
    ).run(sync.id);
  }).immediate();
}

/**
 * Ends a repair whose changes are out of date, since the backup or the list that they are for is, without sending anything more of it. Whom it was to add
 * is confirmed, or was until the segment moved to another list.
 */
export function dropRepair(
  ledger: Ledger,
  sync: Pick<Sync, 'id' | 'segmentId'>,
  { now, partOf }: { now: number; partOf: (member: string) => number },
): void {
  const { db } = ledger;
  db.transaction(() => {
    mustHold(ledger);
    const added = db
      .prepare<[number], string>(
        "SELECT m.value FROM segment_chunks c, json_each(c.body, '$.add') m WHERE c.sync_id = ?",
      )
      .pluck()
      .all(sync.id);
    memberWriter(ledger, sync.segmentId).insert(added.map((member) => [partOf(member), member]));
    dropWork(ledger, sync.id);
    const after = countMembers(ledger, sync.segmentId);
    // What it changed at the target was not counted as confirmed.
    db.prepare(
      `UPDATE segment_syncs SET state = 'done', ended_at = ?, before = ?, after = ?, added = 0, removed = 0 WHERE id = ? AND kind = 'repair'`,
    ).run(now, after, after, sync.id);
  }).immediate();
}

function dropWork({ db }: Pick<Ledger, 'db'>, sync: number): void {
  db.prepare('DELETE FROM segment_chunks WHERE sync_id = ?').run(sync);
  db.prepare('DELETE FROM segment_refusals WHERE sync_id = ?').run(sync);
}

/** What results that were published in the lost time say of the sync of one segment of a file. */
interface SyncOfThen {
  segmentId: number;
  processingId: number;
  kind: SyncKind;
  state: 'done' | 'superseded';
  /** Members that the file names, each once. */
  listed: number;
  /** Those of them that the target refused. */
  refused: readonly { keyHash: string; code: string; reason: string }[];
  at: number;
}

/** Writes a sync of the lost time down as what it was. Nothing leaves for it. Repeating it is harmless. */
export function recordSyncOfThen(ledger: Ledger, told: SyncOfThen): void {
  const { db } = ledger;
  const { segmentId, processingId, kind, state, listed, refused, at } = told;
  const rejected = refused.length;
  db.transaction(() => {
    mustHold(ledger);
    const members = countMembers(ledger, segmentId);
    // Of a snapshot it is known how many there were then; other changes may have followed.
    const then = kind === 'snapshot' ? listed - rejected : members;
    const after = state === 'done' ? then : null;
    db.prepare(
      `INSERT INTO segment_syncs (segment_id, processing_id, kind, state, started_at, ended_at, before, listed, to_add, to_remove, unchanged, rejected, after)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)
       ON CONFLICT (processing_id, segment_id) DO UPDATE SET kind = excluded.kind, state = excluded.state, started_at = excluded.started_at,
         ended_at = excluded.ended_at, before = excluded.before, listed = excluded.listed, to_add = excluded.to_add, to_remove = 0,
         unchanged = excluded.unchanged, rejected = excluded.rejected, after = excluded.after, added = 0, removed = 0`,
    ).run(
      ...[segmentId, processingId, kind, state, at, at, then, listed, rejected],
      ...[listed - rejected, rejected, after],
    );
    const id = syncOf(ledger, processingId, segmentId)?.id ?? 0;
    dropWork(ledger, id);
    db.prepare(
      'INSERT INTO segment_refusals SELECT ?, unhex(value ->> 0), value ->> 1, value ->> 2 FROM json_each(?)',
    ).run(id, JSON.stringify(refused.map(({ keyHash, code, reason }) => [keyHash, code, reason])));
    if (state === 'done')
      db.prepare('UPDATE segments SET members = ?, synced_at = max(coalesce(synced_at, 0), ?) WHERE id = ?').run(
        ...[members, at, segmentId],
      );
  }).immediate();
}
