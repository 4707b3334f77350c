import { LINES } from './deliveries.ts';
import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';

/** A file of another job with rows that were delivered and not taken for customers yet. */
export interface DeliveredFile {
  processing: number;
  job: string;
  name: string;
  definitionId: number;
  /** Milliseconds since 1970. */
  openedAt: number;
  /** Its staged copy is gone, so nobody can tell whose rows they were. */
  pruned: boolean;
  /** Delivered rows by now, and how many of them are new. */
  delivered: number;
  fresh: number;
  /** Rows that were answered later than this are the new ones; -1: no time tells them apart, so all count as new. */
  after: number;
  /** When the newest of them was answered. */
  answeredTo: number;
}

export interface DeliveredSearch {
  /** The job that takes customers. */
  job: string;
  /** The jobs that delivered. */
  sources: readonly string[];
  /** Absent: all. */
  events?: readonly string[] | undefined;
}

/** How far a file was taken. */
export type TakenFile = Pick<DeliveredFile, 'processing' | 'delivered' | 'answeredTo'>;

/**
 * Files with rows that were delivered since they were last taken, oldest first. What their accounts say is asked first: they are
 * written at the end of each pass, and rows are counted only where they have grown.
 * Files whose keys went with time are none: their accounts still say how many there were, and nobody can count them any more.
 */
export function* filesDeliveredSince(ledger: Pick<Ledger, 'db'>, search: DeliveredSearch): Generator<DeliveredFile> {
  const { db } = ledger;
  const grown = db
    .prepare<
      [string, string, string | null, string | null],
      {
        processing: number;
        job: string;
        name: string;
        definitionId: number;
        openedAt: number;
        prunedAt: number | null;
        taken: number;
        answeredTo: number;
      }
    >(
      `SELECT p.id AS processing, p.job, p.name, p.definition_id AS definitionId, p.opened_at AS openedAt, p.pruned_at AS prunedAt,
         coalesce(s.delivered, 0) AS taken, coalesce(s.answered_to, -1) AS answeredTo
       FROM processings p LEFT JOIN link_sources s ON s.job = ? AND s.processing_id = p.id
       WHERE p.job IN (SELECT value FROM json_each(?)) AND p.account IS NOT NULL AND p.repeat_of IS NULL
         AND p.keys_pruned_at IS NULL AND coalesce(s.delivered, 0) < (
           SELECT coalesce(sum(json_extract(e.value, '$.counts.delivered')), 0) FROM json_each(p.account, '$.byEvent') e
           WHERE ? IS NULL OR json_extract(e.value, '$.eventName') IN (SELECT value FROM json_each(?)))
       ORDER BY p.id`,
    )
    .all(search.job, JSON.stringify(search.sources), ...twice(namesOf(search)));
  for (const { taken, prunedAt, ...file } of grown) {
    const all = countDelivered(ledger, file.processing, search, -1);
    const newer = taken === 0 ? all : countDelivered(ledger, file.processing, search, file.answeredTo);
    // A clock that was set back, or two answers in one millisecond: some are taken twice, and none is missed.
    const after = taken > 0 && newer.rows === all.rows - taken ? file.answeredTo : -1;
    yield {
      ...file,
      pruned: prunedAt !== null,
      delivered: all.rows,
      fresh: all.rows - taken,
      after,
      answeredTo: all.answeredTo,
    };
  }
}

function countDelivered(
  { db }: Pick<Ledger, 'db'>,
  processing: number,
  search: DeliveredSearch,
  after: number,
): { rows: number; answeredTo: number } {
  const names = namesOf(search);
  const row = db
    .prepare<[number, number, number, string | null, string | null], { rows: number; answeredTo: number | null }>(
      `SELECT count(*) AS rows, max(d.answered_at) AS answeredTo FROM deliveries d
       WHERE d.id BETWEEN ? AND ? AND d.state = 'delivered' AND coalesce(d.answered_at, 0) > ?
         AND (? IS NULL OR d.event_name_id IN (SELECT id FROM event_names WHERE name IN (SELECT value FROM json_each(?))))`,
    )
    .get(processing * LINES, processing * LINES + LINES - 1, after, ...twice(names));
  return { rows: row?.rows ?? 0, answeredTo: row?.answeredTo ?? -1 };
}

const namesOf = ({ events }: DeliveredSearch): string | null => (events ? JSON.stringify(events) : null);
const twice = (names: string | null): [string | null, string | null] => [names, names];

/** Notes how far files were taken for customers of a job, all of them together. */
export function recordTaken(ledger: Ledger, job: string, files: readonly TakenFile[]): void {
  const { db } = ledger;
  const note = db.prepare(
    `INSERT INTO link_sources (job, processing_id, delivered, answered_to) VALUES (?, ?, ?, ?)
     ON CONFLICT (job, processing_id) DO UPDATE SET delivered = excluded.delivered, answered_to = excluded.answered_to`,
  );
  db.transaction(() => {
    mustHold(ledger);
    for (const { processing, delivered, answeredTo } of files) note.run(job, processing, delivered, answeredTo);
  }).immediate();
}

/** Whether contents came to a job before, and were not refused as a whole: to take them again would tell nothing new. */
export function areContentsKnown({ db }: Pick<Ledger, 'db'>, job: string, sha256: string): boolean {
  const known = db
    .prepare<[string, string], object>(
      `SELECT 1 FROM files f JOIN processings p ON p.file_id = f.id
       WHERE f.job = ? AND f.sha256 = ? AND p.state <> 'vanished' AND p.refusal IS NULL AND p.keys_pruned_at IS NULL LIMIT 1`,
    )
    .get(job, sha256);
  return known !== undefined;
}

/** Local files of a job that were opened and are not staged yet. */
export function pathsNotStaged({ db }: Pick<Ledger, 'db'>, job: string): Set<string> {
  const rows = db
    .prepare<[string], { path: string }>(
      "SELECT taken_path AS path FROM processings WHERE job = ? AND state IN ('taking','taken')",
    )
    .all(job);
  return new Set(rows.map(({ path }) => path));
}
