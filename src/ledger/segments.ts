import type { DestinationIdentity } from '../model.ts';
import { mustHold } from './fence.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';

/** A segment at a target, as it was left by the last sync. */
export interface KnownSegment {
  id: number;
  destinationId: number;
  /** Its lasting name, ours. */
  name: string;
  job: string;
  /** What the target knows its members by, since the first sync. */
  idKind: string;
  /** The target's own id of the list, and the name that it has there; empty before the first `prepare`. */
  targetId: string;
  targetName: string;
  /** Confirmed members. */
  members: number;
  /** Milliseconds since 1970. `syncedAt`: the last sync that came to its end; null before the first. */
  since: number;
  syncedAt: number | null;
}

const COLUMNS = `id, destination_id AS destinationId, name, job, id_kind AS idKind, target_id AS targetId, target_name AS targetName,
  members, since, synced_at AS syncedAt`;

export function findSegment({ db }: Pick<Ledger, 'db'>, destinationId: number, name: string): KnownSegment | undefined {
  return db
    .prepare<[number, string], KnownSegment>(`SELECT ${COLUMNS} FROM segments WHERE destination_id = ? AND name = ?`)
    .get(destinationId, name);
}

/** The same by what the destination is called. */
export function findSegmentAt(
  { db }: Pick<Ledger, 'db'>,
  { provider, account, container }: DestinationIdentity,
  name: string,
): KnownSegment | undefined {
  if (!hasTable({ db }, 'segments')) return undefined;
  return db
    .prepare<[string, string, string, string], KnownSegment>(
      `SELECT ${COLUMNS} FROM segments WHERE name = ? AND destination_id =
         (SELECT id FROM destinations WHERE provider = ? AND account = ? AND container = ?)`,
    )
    .get(name, provider, account, container);
}

/** The segment of this name at a destination; made on first sight. */
export function ensureSegment(
  ledger: Ledger,
  { destinationId, name, job, idKind }: Pick<KnownSegment, 'destinationId' | 'name' | 'job' | 'idKind'>,
  now: number,
): KnownSegment {
  const known = findSegment(ledger, destinationId, name);
  if (known) return known;
  mustHold(ledger);
  ledger.db
    .prepare(
      "INSERT INTO segments (destination_id, name, job, id_kind, target_id, target_name, since) VALUES (?, ?, ?, ?, '', '', ?)",
    )
    .run(destinationId, name, job, idKind, now);
  const made = findSegment(ledger, destinationId, name);
  if (!made) throw new Error('the segment just added is not in the ledger');
  return made;
}

/** Notes what the target calls the segment, and what it has it under. */
export function noteTarget(ledger: Ledger, segment: number, targetId: string, targetName: string): void {
  mustHold(ledger);
  ledger.db
    .prepare('UPDATE segments SET target_id = ?, target_name = ? WHERE id = ?')
    .run(targetId, targetName, segment);
}

/** The segments of a job, by name. */
export function segmentsOf({ db }: Pick<Ledger, 'db'>, job: string): KnownSegment[] {
  return db.prepare<[string], KnownSegment>(`SELECT ${COLUMNS} FROM segments WHERE job = ? ORDER BY name, id`).all(job);
}
