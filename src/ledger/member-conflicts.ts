import { JUDGED_ANEW } from './known-files.ts';
import type { Ledger } from './open.ts';

/** Closed files of members with rows that contradict each other, oldest first; the newest pass over the same contents, while its copy is kept. */
export function filesOfMembersInConflict({
  db,
}: Pick<Ledger, 'db'>): { processing: number; job: string; openedAt: number }[] {
  return db
    .prepare<[], { processing: number; job: string; openedAt: number }>(
      `SELECT p.id AS processing, p.job, p.opened_at AS openedAt FROM processings p
       WHERE p.lane = 'members' AND p.state = 'closed' AND p.repeat_of IS NULL AND p.pruned_at IS NULL
         AND json_extract(p.account, '$.counts.conflict') > 0
         AND coalesce(json_extract(p.refusal, '$.verdict'), 'released') = 'released'
         AND NOT EXISTS (SELECT 1 FROM processings later WHERE later.file_id = p.file_id AND later.id > p.id
           AND later.repeat_of IS NULL AND later.state <> 'vanished' AND ${JUDGED_ANEW('later')})
       ORDER BY p.id`,
    )
    .all();
}
