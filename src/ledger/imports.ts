import { LINES } from './deliveries.ts';
import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';

/** An import of keys, as far as it has come: read = imported + known + rejected. */
export interface KeyImport {
  id: number;
  processingId: number;
  /** The last line that is in the ledger. */
  line: number;
  read: number;
  imported: number;
  known: number;
  rejected: number;
  startedAt: number;
  endedAt: number | null;
}

/** What an import is known by: the same file for the same event name goes on where it stopped, and is not imported twice. */
export interface ImportPlan {
  job: string;
  runId: number;
  definitionId: number;
  destinationId: number;
  eventNameId: number;
  name: string;
  path: string;
  bytes: number;
  sha256: string;
  column: string;
}

const COLUMNS = `id, processing_id AS processingId, line, read, imported, known, rejected, started_at AS startedAt, ended_at AS endedAt`;

export function findImport(
  { db }: Pick<Ledger, 'db'>,
  plan: Pick<ImportPlan, 'eventNameId' | 'sha256' | 'column'>,
): KeyImport | undefined {
  return db
    .prepare<[number, string, string], KeyImport>(
      `SELECT ${COLUMNS} FROM imports WHERE event_name_id = ? AND sha256 = ? AND key_column = ?`,
    )
    .get(plan.eventNameId, plan.sha256, plan.column);
}

/**
 * Opens an import. Its keys hang on a processing of its own, which is closed from the start and of which no report tells: its
 * rows were delivered by another system, and the file is no input.
 */
export function openImport({ db }: Pick<Ledger, 'db'>, plan: ImportPlan, account: string, now: number): KeyImport {
  const open = db.transaction(() => {
    // An input with the same contents is another file: the hash of one that holds keys only never meets it.
    const file = db
      .prepare<[string, string, number, string, number], { id: number }>(
        `INSERT INTO files (job, sha256, bytes, name, first_seen) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (job, sha256) DO UPDATE SET name = excluded.name RETURNING id`,
      )
      .get(plan.job, `keys:${plan.sha256}`, plan.bytes, plan.name, now);
    const processing = db
      .prepare<unknown[], { id: number }>(
        `INSERT INTO processings (job, run_id, definition_id, destination_id, file_id, name, inbox_path, taken_path, size, mtime, state,
           account, told, opened_at, sealed_at, settled_at, closed_at, pruned_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'closed', ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
      )
      .get(
        ...[
          plan.job,
          plan.runId,
          plan.definitionId,
          plan.destinationId,
          file?.id,
          plan.name,
          plan.path,
          plan.path,
          plan.bytes,
        ],
        ...[account, account, now, now, now, now, now],
      );
    db.prepare(
      'INSERT INTO imports (processing_id, event_name_id, sha256, key_column, started_at) VALUES (?, ?, ?, ?, ?)',
    ).run(processing?.id, plan.eventNameId, plan.sha256, plan.column, now);
  });
  open.immediate();
  const opened = findImport({ db }, plan);
  if (!opened) throw new Error('the import just opened is not in the ledger');
  return opened;
}

export interface ImportedKey {
  line: number;
  key: string;
  keyHash: Buffer;
}

/** Keys that the ledger would take for its own: owner of none of them is known. */
export function countUnowned({ db }: Pick<Ledger, 'db'>, eventNameId: number, hashes: readonly Buffer[]): number {
  const owned = db.prepare('SELECT 1 FROM deliveries WHERE event_name_id = ? AND key_hash = ? AND owns = 1');
  return hashes.filter((hash) => owned.get(eventNameId, hash) === undefined).length;
}

/**
 * Takes a batch of keys over as delivered, in one transaction with how far the import has come. A key that a row owns already stays
 * as it is. The content of the rows is not known: the empty hash stands for any.
 */
export function importBatch(
  ledger: Pick<Ledger, 'db' | 'epoch' | 'path'>,
  { id, processingId }: Pick<KeyImport, 'id' | 'processingId'>,
  eventNameId: number,
  batch: { keys: readonly ImportedKey[]; rejected: number; line: number },
  now: number,
): void {
  const { db } = ledger;
  const insert = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, state, owns, attempts, claimed_at, answered_at, proof, event_id)
     VALUES (?, ?, ?, ?, x'', 'delivered', 1, 0, ?, ?, 'imported', 'imported') ON CONFLICT DO NOTHING`,
  );
  db.transaction(() => {
    mustHold(ledger);
    let imported = 0;
    for (const { line, key, keyHash } of batch.keys)
      imported += insert.run(processingId * LINES + line, eventNameId, keyHash, key, now, now).changes;
    db.prepare(
      `UPDATE imports SET line = ?, read = read + ?, imported = imported + ?, known = known + ?, rejected = rejected + ? WHERE id = ?`,
    ).run(batch.line, batch.keys.length + batch.rejected, imported, batch.keys.length - imported, batch.rejected, id);
  }).immediate();
}

export function closeImport({ db }: Pick<Ledger, 'db'>, id: number, now: number): void {
  db.prepare('UPDATE imports SET ended_at = ? WHERE id = ?').run(now, id);
}
