import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { forgetDoubts } from './segment-doubts.ts';
import { confirmedMembers } from './segment-members.ts';
import { noteTarget } from './segments.ts';

/** Nobody is known to be in a segment any more: its list at the target is another one. */
export function forgetMembers(ledger: Ledger, segment: number): void {
  ledger.db
    .transaction(() => {
      mustHold(ledger);
      ledger.db.prepare('DELETE FROM segment_members WHERE segment_id = ?').run(segment);
      ledger.db.prepare('UPDATE segments SET members = 0 WHERE id = ?').run(segment);
      forgetDoubts(ledger, segment);
    })
    .immediate();
}

/**
 * Everybody who is confirmed is to be added to another list: as a repair, whose changes are claimed in chunks of `most` members, and which goes on
 * wherever a process dies. They are confirmed again by the answers.
 */
export function moveMembers(
  ledger: Ledger,
  segment: number,
  list: { targetId: string; name: string },
  { most, parts, now }: { most: number; parts: number; now: number },
): void {
  const { db } = ledger;
  const insert = db.prepare('INSERT INTO segment_chunks (segment_id, sync_id, body, claimed_at) VALUES (?, ?, ?, ?)');
  db.transaction(() => {
    mustHold(ledger);
    const { lastInsertRowid: sync } = db
      .prepare(
        `INSERT INTO segment_syncs (kind, state, started_at, before, listed, to_add, to_remove, unchanged, segment_id)
         SELECT 'repair', 'running', ?, 0, count(*), count(*), 0, 0, ? FROM segment_members WHERE segment_id = ?`,
      )
      .run(now, segment, segment);
    const known = confirmedMembers(ledger, segment);
    let add: string[] = [];
    // Not one of them has left.
    const claim = (): void => {
      if (add.length > 0) insert.run(segment, sync, JSON.stringify({ add, remove: [], sure: true }), now);
      add = [];
    };
    for (let part = 0; part < parts; part++)
      for (const member of known(part)) {
        add.push(member);
        if (add.length >= most) claim();
      }
    claim();
    forgetMembers(ledger, segment);
    noteTarget(ledger, segment, list.targetId, list.name);
  }).immediate();
}
