import type Database from 'better-sqlite3';
import { LINES } from './deliveries.ts';
import type { Processing } from './processings.ts';

/**
 * Opens a new pass over the contents of a closed processing, under another definition. What the earlier pass left failed ends
 * there, since the new one judges those rows anew; its held rows stay, as they may have been accepted. Returns the new
 * processing's id, and whether the earlier one's results changed. Runs inside the transaction of the decision.
 */
export function openReprocessing(
  db: Database.Database,
  earlier: Processing,
  now: { definitionId: number; destinationId: number; at: number },
): { id: number; changed: boolean } {
  const made = db
    .prepare(
      `INSERT INTO processings (job, run_id, definition_id, destination_id, file_id, reprocess_of, name, inbox_path, taken_path, size,
         mtime, raw_sha256, state, opened_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, 'staged', ?)`,
    )
    .run(
      earlier.job,
      earlier.runId,
      now.definitionId,
      now.destinationId,
      earlier.fileId,
      earlier.id,
      earlier.name,
      earlier.archivedAs || (earlier.takenPath.startsWith('local:') ? earlier.takenPath : ''),
      earlier.size,
      earlier.mtime,
      earlier.rawSha256,
      now.at,
    );
  const id = Number(made.lastInsertRowid);
  const reason = `the file was processed again, as p${id}; this row was not sent from here`;
  const ended = db
    .prepare(
      `UPDATE deliveries SET state = 'rejected', owns = 0, unfinished = NULL, code = 'SUPERSEDED', answered_at = ?, reason = ?
       WHERE id BETWEEN ? AND ? AND state = 'failed'`,
    )
    .run(now.at, reason, earlier.id * LINES, earlier.id * LINES + LINES - 1).changes;
  if (ended > 0) db.prepare('UPDATE processings SET settled_at = NULL, pruned_at = NULL WHERE id = ?').run(earlier.id);
  return { id, changed: ended > 0 };
}
