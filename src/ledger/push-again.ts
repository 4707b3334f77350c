import type { DestinationIdentity } from '../model.ts';
import { mustHold } from './fence.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';
import { pushTo } from './pushes.ts';

/** A target of a job, and links that its tool turned out not to have. */
interface GoneAtTarget {
  job: string;
  target: string;
  destinationId: number;
  /** `remoteId`: only where it is the tool's id of whom the link was given to. */
  links: readonly { link: number; remoteId?: string }[];
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
  const open = db.prepare<[number, number, number, string | null, string | null], object>(
    `UPDATE push_rows SET outcome = 'failed', hash = '', code = '', reason = '', event_id = '', attempts = 0, at = 0, failed_at = 0
     WHERE push_target_id = ? AND link_id = ? AND at < ? AND (? IS NULL OR event_id = ?)
       AND (outcome IN ('delivered','duplicate') OR (outcome = 'rejected' AND code = 'CONTACT_MISSING'))
       AND NOT EXISTS (SELECT 1 FROM pushes p WHERE p.push_target_id = push_rows.push_target_id AND p.state = 'open'
         AND (p.id = push_rows.push_id OR p.account <> ''))`,
  );
  return db
    .transaction(() => {
      mustHold(ledger);
      const { id } = pushTo(ledger, job, target, destinationId);
      return links.reduce(
        (n, { link, remoteId = null }) => n + open.run(id, link, givenBefore, remoteId, remoteId).changes,
        0,
      );
    })
    .immediate();
}

/** Failed for longer than `failed.maxAge`: not sent again until somebody asks for it, or the link or the fields change. */
export const FAILED_TOO_LONG = 'FAILED_TOO_LONG';

/** Whose profiles, at which target of a job. */
export interface GivenUpAt {
  job: string;
  target: string;
  place: DestinationIdentity;
  /** Whose links, and of which label. */
  links: { place: DestinationIdentity; label: string };
  /** Milliseconds since 1970: given up since then. */
  since?: number | undefined;
}

/** How many profiles of a target were given up. Only reads. */
export function countGivenUp({ db }: Pick<Ledger, 'db'>, at: GivenUpAt): number {
  if (!hasTable({ db }, 'push_rows')) return 0;
  return (
    db.prepare<unknown[], { n: number }>(`SELECT count(*) AS n FROM push_rows WHERE ${GIVEN_UP}`).get(...valuesOf(at))
      ?.n ?? 0
  );
}

/** Profiles that were given up are sent again by the next pass, and may fail for as long as before. Returns how many. */
export function sendGivenUpAgain(ledger: Ledger, at: GivenUpAt): number {
  mustHold(ledger);
  return ledger.db
    .prepare(`UPDATE push_rows SET outcome = 'failed', code = '', reason = '', failed_at = 0 WHERE ${GIVEN_UP}`)
    .run(...valuesOf(at)).changes;
}

// What the results of an open pass are being told from stays as it is.
const GIVEN_UP = `code = '${FAILED_TOO_LONG}' AND outcome = 'rejected' AND at >= ?
  AND push_target_id IN (SELECT t.id FROM push_targets t JOIN destinations d ON d.id = t.destination_id
    WHERE t.job = ? AND t.target = ? AND d.provider = ? AND d.account = ? AND d.container = ?)
  AND link_id IN (SELECT l.id FROM links l JOIN destinations d ON d.id = l.destination_id
    WHERE l.label = ? AND d.provider = ? AND d.account = ? AND d.container = ?)
  AND NOT EXISTS (SELECT 1 FROM pushes p WHERE p.push_target_id = push_rows.push_target_id AND p.state = 'open'
    AND (p.id = push_rows.push_id OR p.account <> ''))`;

function valuesOf({ job, target, place, links, since = 0 }: GivenUpAt): (string | number)[] {
  const identity = (of: DestinationIdentity): string[] => [of.provider, of.account, of.container];
  return [since, job, target, ...identity(place), links.label.toLowerCase(), ...identity(links.place)];
}
