import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { pushTo } from './pushes.ts';

/** A target of a job, and links that its tool turned out not to have. */
export interface GoneAtTarget {
  job: string;
  target: string;
  destinationId: number;
  links: readonly number[];
  /** Milliseconds since 1970; what was given later may only not show yet. */
  givenBefore: number;
}

/**
 * Whoever counts as given, or as unknown to the tool, is open again, so that the next pass sends it: as one that failed, since its link has
 * not changed. Rows of a pass that is open stay, and all do where its results are written: what those say is true of their time, and the
 * tool is asked again by the next run. Returns how many. Repeating it is harmless.
 */
export function openAgain(ledger: Ledger, { job, target, destinationId, links, givenBefore }: GoneAtTarget): number {
  const { db } = ledger;
  const open = db.prepare<[number, number, number], object>(
    `UPDATE push_rows SET outcome = 'failed', hash = '', code = '', reason = '', event_id = '', attempts = 0, at = 0
     WHERE push_target_id = ? AND link_id = ? AND at < ?
       AND (outcome IN ('delivered','duplicate') OR (outcome = 'rejected' AND code = 'CONTACT_MISSING'))
       AND NOT EXISTS (SELECT 1 FROM pushes p WHERE p.push_target_id = push_rows.push_target_id AND p.state = 'open'
         AND (p.id = push_rows.push_id OR p.account <> ''))`,
  );
  return db
    .transaction(() => {
      mustHold(ledger);
      const { id } = pushTo(ledger, job, target, destinationId);
      return links.reduce((n, link) => n + open.run(id, link, givenBefore).changes, 0);
    })
    .immediate();
}
