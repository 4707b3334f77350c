import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';
import type { PlacedMember } from './segment-members.ts';
import type { Sync } from './segment-syncs.ts';

/** A segment at a target, and whether somebody is a confirmed member of it. */
export interface Membership {
  segmentId: number;
  /** Its lasting name, ours. */
  segment: string;
  job: string;
  destination: { provider: string; account: string; container: string };
  member: boolean;
}

/** A sync of a file that came to its end. Times are milliseconds since 1970. */
export interface EndedSync extends Pick<Sync, 'id' | 'kind' | 'before' | 'endedAt'> {
  processing: number;
  /** The file's. */
  name: string;
}

/** Every segment that there is, and whether somebody is in it. */
export function membershipsOf({ db }: Pick<Ledger, 'db'>, [part, member]: PlacedMember): Membership[] {
  if (!hasTable({ db }, 'segments')) return [];
  return db
    .prepare<
      [number, string],
      { id: number; name: string; job: string; provider: string; account: string; container: string; member: number }
    >(
      `SELECT s.id, s.name, s.job, d.provider, d.account, d.container,
         EXISTS (SELECT 1 FROM segment_members m WHERE m.segment_id = s.id AND m.part = ? AND m.member = ?) AS member
       FROM segments s JOIN destinations d ON d.id = s.destination_id ORDER BY s.name, s.id`,
    )
    .all(part, member)
    .map(({ id, name, job, provider, account, container, member: is }) => ({
      ...{ segmentId: id, segment: name, job, destination: { provider, account, container }, member: Boolean(is) },
    }));
}

/** The syncs of a segment by files, that are through, newest first. */
export function endedSyncs({ db }: Pick<Ledger, 'db'>, segment: number): EndedSync[] {
  return db
    .prepare<[number], EndedSync>(
      `SELECT y.id, y.kind, y.before, y.ended_at AS endedAt, y.processing_id AS processing, p.name
       FROM segment_syncs y JOIN processings p ON p.id = y.processing_id
       WHERE y.segment_id = ? AND y.state = 'done' ORDER BY y.ended_at DESC, y.id DESC`,
    )
    .all(segment);
}
