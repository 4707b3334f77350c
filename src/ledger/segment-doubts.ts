import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import type { PlacedMember } from './segment-members.ts';

/** Members whose last change was given up without a clear answer, by their parts: what is confirmed of them may be wrong. */
export function doubtedMembers({ db }: Pick<Ledger, 'db'>, segment: number): Map<number, string[]> {
  const doubted = db
    .prepare<[number], { part: number; member: string }>(
      'SELECT part, member FROM segment_doubts WHERE segment_id = ? ORDER BY part, member',
    )
    .all(segment);
  const parts = new Map<number, string[]>();
  for (const { part, member } of doubted) {
    const its = parts.get(part);
    if (its) its.push(member);
    else parts.set(part, [member]);
  }
  return parts;
}

/** Nothing is in doubt any more: the list at the target is another one. */
export function forgetDoubts(ledger: Ledger, segment: number): void {
  mustHold(ledger);
  ledger.db.prepare('DELETE FROM segment_doubts WHERE segment_id = ?').run(segment);
}

/** Notes who is in doubt, and who is no more, as part of the caller's transaction. */
export interface DoubtWriter {
  note(members: readonly PlacedMember[]): void;
  clear(members: readonly PlacedMember[]): void;
}

/** Of one segment; its statements are prepared once. */
export function doubtWriter({ db }: Pick<Ledger, 'db'>, segment: number): DoubtWriter {
  const insert = db.prepare<[number, string]>(
    'INSERT OR IGNORE INTO segment_doubts SELECT ?, value ->> 0, value ->> 1 FROM json_each(?)',
  );
  const remove = db.prepare<[number, string]>(
    `DELETE FROM segment_doubts
     WHERE segment_id = ? AND (part, member) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
  );
  // Nearly always there are none, and nothing is to be looked for.
  let some = db.prepare<[number]>('SELECT 1 FROM segment_doubts WHERE segment_id = ? LIMIT 1').get(segment);
  return {
    note: (members) => {
      if (members.length === 0) return;
      insert.run(segment, JSON.stringify(members));
      some = true;
    },
    clear: (members) => {
      if (some && members.length > 0) remove.run(segment, JSON.stringify(members));
    },
  };
}
