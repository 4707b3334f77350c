import type { Ledger } from './open.ts';

/** A file that was taken together with another one: its manifest, or the marker that said it is complete. */
export interface Companion {
  processingId: number;
  kind: 'manifest' | 'marker';
  name: string;
  inboxPath: string;
  takenPath: string;
  archivedAs: string | null;
}

export function planCompanion(ledger: Ledger, companion: Omit<Companion, 'archivedAs'>): void {
  ledger.db
    .prepare('INSERT INTO companions (processing_id, kind, name, inbox_path, taken_path) VALUES (?, ?, ?, ?, ?)')
    .run(companion.processingId, companion.kind, companion.name, companion.inboxPath, companion.takenPath);
}

export function companionsOf(ledger: Pick<Ledger, 'db'>, processingId: number): Companion[] {
  return ledger.db
    .prepare<[number], Companion>(
      `SELECT processing_id AS processingId, kind, name, inbox_path AS inboxPath, taken_path AS takenPath, archived_as AS archivedAs
       FROM companions WHERE processing_id = ? ORDER BY kind`,
    )
    .all(processingId);
}

export function recordArchivedCompanion(ledger: Ledger, { processingId, kind }: Companion, archivedAs: string): void {
  ledger.db
    .prepare('UPDATE companions SET archived_as = ? WHERE processing_id = ? AND kind = ?')
    .run(archivedAs, processingId, kind);
}
