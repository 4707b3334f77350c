import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';

/** A member and the part of its segment that it is kept in. */
export type PlacedMember = readonly [part: number, member: string];

/** Members of one part of a segment's last confirmed membership, each once. Line ends do not occur in them. */
export function confirmedMembers({ db }: Pick<Ledger, 'db'>, segment: number): (part: number) => string[] {
  // One text for all of them: a value for each costs four times as much.
  const members = db
    .prepare<[number, number], string | null>(
      'SELECT group_concat(member, char(10)) FROM segment_members WHERE segment_id = ? AND part = ?',
    )
    .pluck();
  return (part) => {
    const text = members.get(segment, part);
    return text ? text.split('\n') : [];
  };
}

export function countMembers({ db }: Pick<Ledger, 'db'>, segment: number): number {
  return (
    db.prepare<[number], { n: number }>('SELECT count(*) AS n FROM segment_members WHERE segment_id = ?').get(segment)
      ?.n ?? 0
  );
}

/** Whether somebody is a confirmed member. */
export function isMember({ db }: Pick<Ledger, 'db'>, segment: number, [part, member]: PlacedMember): boolean {
  return (
    db
      .prepare('SELECT 1 FROM segment_members WHERE segment_id = ? AND part = ? AND member = ?')
      .get(segment, part, member) !== undefined
  );
}

/** Takes members up, or leaves them out, without a sync: what was read at the target itself. Repeating it is harmless. */
export function correctMembers(
  ledger: Ledger,
  segment: number,
  { add, remove }: { add: readonly PlacedMember[]; remove: readonly PlacedMember[] },
): void {
  const { db } = ledger;
  db.transaction(() => {
    mustHold(ledger);
    const members = memberWriter(ledger, segment);
    members.insert(add);
    members.remove(remove);
    db.prepare('UPDATE segments SET members = ? WHERE id = ?').run(countMembers(ledger, segment), segment);
  }).immediate();
}

/** Takes members up, and leaves members out, as part of the caller's transaction. */
export interface MemberWriter {
  /** Returns how many were none before. */
  insert(members: readonly PlacedMember[]): number;
  /** Returns how many were there. */
  remove(members: readonly PlacedMember[]): number;
}

/** Of one segment; its statements are prepared once. */
export function memberWriter({ db }: Pick<Ledger, 'db'>, segment: number): MemberWriter {
  const insert = db.prepare<[number, number, string]>(
    'INSERT OR IGNORE INTO segment_members SELECT ?, ?, value FROM json_each(?)',
  );
  const remove = db.prepare<[number, number, string]>(
    'DELETE FROM segment_members WHERE segment_id = ? AND part = ? AND member IN (SELECT value FROM json_each(?))',
  );

  /** A statement for each part that occurs: members come in the order of their parts. */
  const byPart = (members: readonly PlacedMember[], statement: typeof insert): number => {
    let changes = 0;
    for (const [part, its] of Map.groupBy(members, ([of]) => of))
      changes += statement.run(segment, part, JSON.stringify(its.map(([, member]) => member))).changes;
    return changes;
  };
  return { insert: (members) => byPart(members, insert), remove: (members) => byPart(members, remove) };
}
