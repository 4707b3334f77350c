import { LINES } from './deliveries.ts';
import type { Ledger } from './open.ts';
import { findSegment } from './segments.ts';

/** Rows that were delivered: by which jobs, of which events, and since when. */
interface DeliveredWindow {
  jobs: readonly string[];
  /** Absent: all. */
  events?: readonly string[] | undefined;
  /** Milliseconds since 1970: the first moment that is in the window. */
  since: number;
}

/** A file with rows that were delivered in a window. */
export interface FileInWindow {
  processing: number;
  job: string;
  name: string;
  definitionId: number;
  /** Milliseconds since 1970. */
  openedAt: number;
  /** Delivered rows in the window; keys that are gone are all counted. */
  rows: number;
  /** Nobody can tell any more whose rows they were: the staged copy is gone, or the keys are. */
  pruned: boolean;
}

interface Found extends Omit<FileInWindow, 'rows' | 'pruned'> {
  counted: number;
  /** 1: its account, if there is one, is older than its rows. */
  underWay: 0 | 1;
  prunedAt: number | null;
  keysPrunedAt: number | null;
}

/**
 * Files with rows that were delivered in a window, oldest first. What accounts say is asked first: rows are counted only of the files that
 * were begun before it, and of those that are being delivered.
 */
export function filesInWindow({ db }: Pick<Ledger, 'db'>, window: DeliveredWindow): FileInWindow[] {
  const { jobs, events, since } = window;
  const names = events ? JSON.stringify(events) : null;
  const found = db
    .prepare<[string | null, string | null, string, number], Found>(
      `SELECT * FROM (SELECT p.id AS processing, p.job, p.name, p.definition_id AS definitionId, p.opened_at AS openedAt,
           p.pruned_at AS prunedAt, p.keys_pruned_at AS keysPrunedAt, (p.account IS NULL OR p.settled_at IS NULL) AS underWay,
           (SELECT coalesce(sum(json_extract(e.value, '$.counts.delivered')), 0) FROM json_each(p.account, '$.byEvent') e
            WHERE ? IS NULL OR json_extract(e.value, '$.eventName') IN (SELECT value FROM json_each(?))) AS counted
         FROM processings p
         WHERE p.job IN (SELECT value FROM json_each(?)) AND p.repeat_of IS NULL
           AND (p.closed_at IS NULL OR p.settled_at IS NULL OR max(p.closed_at, p.settled_at) >= ?))
       WHERE counted > 0 OR underWay ORDER BY processing`,
    )
    .all(names, names, JSON.stringify(jobs), since);
  const count = db
    .prepare<[number, number, number, string | null, string | null], number>(
      `SELECT count(*) FROM deliveries d WHERE d.id BETWEEN ? AND ? AND d.state = 'delivered' AND d.answered_at >= ?
         AND (? IS NULL OR d.event_name_id IN (SELECT id FROM event_names WHERE name IN (SELECT value FROM json_each(?))))`,
    )
    .pluck();
  return found.flatMap(({ counted, underWay, prunedAt, keysPrunedAt, ...file }) => {
    const first = file.processing * LINES;
    const rows =
      keysPrunedAt !== null || (file.openedAt >= since && underWay === 0)
        ? counted
        : (count.get(first, first + LINES - 1, since, names, names) ?? 0);
    return rows === 0 ? [] : [{ ...file, rows, pruned: prunedAt !== null || keysPrunedAt !== null }];
  });
}

/**
 * Jobs of these of which it is not known, after a restore of the ledger, what they delivered in the lost time: they have not looked at their files
 * yet (`rows`: 0), or rows wait for somebody to say whether they were delivered.
 */
export function unsureSinceRestore(
  { db }: Pick<Ledger, 'db'>,
  jobs: readonly string[],
): { job: string; rows: number }[] {
  const asked = JSON.stringify(jobs);
  const pending = db
    .prepare<[string], { job: string; rows: number }>(
      `SELECT DISTINCT p.job, 0 AS rows FROM processings p WHERE p.job IN (SELECT value FROM json_each(?)) AND EXISTS
         (SELECT 1 FROM restores r WHERE r.restored_at >= p.opened_at AND NOT EXISTS
           (SELECT 1 FROM restored_jobs j WHERE j.restore_id = r.id AND j.job = p.job))`,
    )
    .all(asked);
  if (pending.length > 0) return pending;
  return db
    .prepare<[string], { job: string; rows: number }>(
      `SELECT p.job, count(*) AS rows FROM deliveries d JOIN processings p ON p.id = d.processing_id
       WHERE d.unfinished = 1 AND d.state = 'held' AND d.code = 'LEDGER_RESTORED' AND p.job IN (SELECT value FROM json_each(?))
       GROUP BY p.job`,
    )
    .all(asked);
}

/**
 * Whether the newest file of a job has this name, and says all that there is to be said of its segment: it was synced, it is about to be, or a person
 * decides about it. Members whom the target refused, and a restore since, are a reason to say it once more.
 */
export function isToldAlready(
  { db }: Pick<Ledger, 'db'>,
  { job, destinationId, segment, name }: { job: string; destinationId: number; segment: string; name: string },
): boolean {
  const newest = db
    .prepare<[string], { id: number; name: string; destinationId: number }>(
      `SELECT id, name, destination_id AS destinationId FROM processings
       WHERE job = ? AND state <> 'vanished' AND reprocess_of IS NULL ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
  if (newest?.name !== name || newest.destinationId !== destinationId) return false;
  const known = findSegment({ db }, destinationId, segment);
  const sync =
    known &&
    db
      .prepare<[number, number], { state: string; rejected: number; old: number }>(
        `SELECT state, rejected, coalesce(ended_at, started_at) < (SELECT coalesce(max(restored_at), 0) FROM restores) AS old
         FROM segment_syncs WHERE processing_id = ? AND segment_id = ?`,
      )
      .get(newest.id, known.id);
  // Refused as a whole, or rejected by somebody: the same again would only be asked again.
  if (!sync) return true;
  return sync.state !== 'done' || (sync.rejected === 0 && sync.old === 0);
}
