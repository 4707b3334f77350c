import type { Proof } from '../model.ts';
import { type Claim, type ClaimResult, type DeliveryBook, LINES, type Settled } from './deliveries.ts';
import { mustHold } from './fence.ts';
import type { Ledger } from './open.ts';
import { rangeOf, type Upload } from './uploads.ts';

/** What the destination said of one row. */
export type RowAnswer =
  | { kind: 'accepted'; proof: Proof['kind']; eventId: string }
  | { kind: 'rejected'; code: string; reason: string }
  /** What it said cannot be understood: a person has to look. */
  | { kind: 'unclear'; code: string; reason: string };

/**
 * Until a file whose results are out is settled again, they lag behind its rows: a crash in between must not leave it so, nor an input
 * that cannot be archived yet.
 */
const LAG = "UPDATE processings SET settled_at = NULL WHERE id = ? AND state IN ('published','closed')";

const DELIVERED =
  "state = 'delivered', owns = 1, unfinished = NULL, answered_at = ?, proof = ?, event_id = ?, code = NULL, reason = NULL";
const HELD = "state = 'held', owns = 1, unfinished = 1, answered_at = ?, code = ?, reason = ?";
/** States of a row whose answer may still come: on its way, or held because none came, or released and not sent again yet. */
const UNANSWERED = "state IN ('claimed','held','waiting','unknown')";

/**
 * Claims rows for an upload: claim and upload are written together, so that a crash leaves no claim that nobody answers for.
 * results[i] belongs to claims[i].
 */
export function claimForUpload(
  ledger: Ledger,
  book: DeliveryBook,
  upload: Upload,
  settled: readonly Settled[],
  claims: readonly Claim[],
  now: number,
): ClaimResult[] {
  const mark = ledger.db.prepare(
    "UPDATE deliveries SET upload_id = ?, code = 'AWAITS_RESULTS', reason = NULL WHERE id = ?",
  );
  return ledger.db
    .transaction(() => {
      const results = book.commit([], settled, claims, now);
      for (const result of results) if (result.kind === 'claimed') mark.run(upload.id, result.id);
      return results;
    })
    .immediate();
}

/** Lines of a processing, from..to (both included), that this upload carries and whose answer is open. */
export function linesOfUpload(ledger: Ledger, upload: Upload, from: number, to: number): Set<number> {
  const first = upload.processingId * LINES;
  const rows = ledger.db
    .prepare<[number, number, number], { line: number }>(
      "SELECT line FROM deliveries WHERE id BETWEEN ? AND ? AND upload_id = ? AND state = 'claimed'",
    )
    .all(first + from, first + to, upload.id);
  return new Set(rows.map(({ line }) => line));
}

/** How many rows of an upload have no answer yet: still on their way, and held or released meanwhile. */
export function unansweredRows(ledger: Pick<Ledger, 'db'>, upload: Upload): { claimed: number; others: number } {
  const rows = ledger.db
    .prepare<[number, number, number], { state: string; n: number }>(
      `SELECT state, count(*) AS n FROM deliveries WHERE id BETWEEN ? AND ? AND upload_id = ? AND ${UNANSWERED} GROUP BY state`,
    )
    .all(...rangeOf(upload.processingId), upload.id);
  const claimed = rows.find(({ state }) => state === 'claimed')?.n ?? 0;
  return { claimed, others: rows.reduce((sum, { n }) => sum + n, 0) - claimed };
}

/** The row of an upload with this key: by its owner, else among those that own nothing any more. */
export function createRowFinder(
  ledger: Pick<Ledger, 'db'>,
  upload: Upload,
): (eventNameId: number, keyHash: Buffer) => number | undefined {
  const owner = ledger.db.prepare<[number, Buffer], { id: number; upload_id: number | null }>(
    'SELECT id, upload_id FROM deliveries WHERE event_name_id = ? AND key_hash = ? AND owns = 1',
  );
  const other = ledger.db.prepare<[Buffer, number, number], { id: number }>(
    'SELECT id FROM deliveries WHERE key_hash = ? AND owns = 0 AND event_name_id = ? AND upload_id = ?',
  );
  return (eventNameId, keyHash) => {
    const found = owner.get(eventNameId, keyHash);
    if (found?.upload_id === upload.id) return found.id;
    return other.get(keyHash, eventNameId, upload.id)?.id;
  };
}

/**
 * Writes answers to rows of an upload, in one transaction. A row that has its answer already keeps it: the return counts those
 * that changed. An unclear answer changes only rows that are on their way. A refusal is no answer to an earlier try that had
 * none: it may be what the destination says to a key that it has. Such a row is held, and keeps its key.
 */
export function answerRows(
  ledger: Ledger,
  upload: Upload,
  answers: readonly { id: number; answer: RowAnswer }[],
  now: number,
): number {
  const { db } = ledger;
  const accept = db.prepare(
    `UPDATE deliveries SET ${DELIVERED}
     WHERE id = ? AND upload_id = ? AND ${UNANSWERED}`,
  );
  const reject = db.prepare(
    `UPDATE deliveries SET state = 'rejected', owns = 0, unfinished = NULL, answered_at = ?, code = ?, reason = ?
     WHERE id = ? AND upload_id = ? AND ${UNANSWERED}`,
  );
  const hold = db.prepare(
    `UPDATE deliveries SET ${HELD}, ambiguous = ambiguous + 1
     WHERE id = ? AND upload_id = ? AND state = 'claimed'`,
  );
  const keep = db.prepare(
    `UPDATE deliveries SET ${HELD}
     WHERE id = ? AND upload_id = ? AND ${UNANSWERED}`,
  );
  const earlierDoubt = db.prepare<[number], object>(
    `SELECT 1 FROM attempts a JOIN deliveries d ON d.id = a.delivery_id
     WHERE a.delivery_id = ? AND a.number < d.attempts AND a.result IN ('info','orphan') LIMIT 1`,
  );
  const attempt = db.prepare(
    `INSERT INTO attempts (delivery_id, number, result, code, reason, claimed_at, answered_at)
     SELECT id, attempts, ?, ?, ?, claimed_at, ? FROM deliveries WHERE id = ? ON CONFLICT DO NOTHING`,
  );
  const refuse = (id: number, { code, reason }: { code: string; reason: string }): number => {
    if (earlierDoubt.get(id) === undefined) return reject.run(now, code, reason, id, upload.id).changes;
    const said = `${code}: ${reason}; an earlier try had no clear answer and may have been accepted`;
    return keep.run(now, 'UNKNOWN_DELIVERY', said, id, upload.id).changes;
  };
  return db
    .transaction(() => {
      mustHold(ledger);
      let changed = 0;
      for (const { id, answer } of answers) {
        if (answer.kind === 'accepted') {
          changed += accept.run(now, answer.proof, answer.eventId, id, upload.id).changes;
          continue;
        }
        const { kind, code, reason } = answer;
        const changes = kind === 'rejected' ? refuse(id, answer) : hold.run(now, code, reason, id, upload.id).changes;
        if (changes > 0) attempt.run(kind === 'rejected' ? 'fail' : 'info', code, reason, now, id);
        changed += changes;
      }
      if (changed > 0) db.prepare(LAG).run(upload.processingId);
      return changed;
    })
    .immediate();
}

/** Holds every row of an upload that is still on its way. Returns how many. */
export function holdRest(
  ledger: Ledger,
  upload: Upload,
  why: { code: string; reason: string },
  now: number,
  more: { sent: boolean } = { sent: true },
): number {
  const { db } = ledger;
  const range = rangeOf(upload.processingId);
  const attempts = db.prepare(
    `INSERT INTO attempts (delivery_id, number, result, code, reason, claimed_at, answered_at)
     SELECT id, attempts, 'info', ?, ?, claimed_at, ? FROM deliveries
     WHERE id BETWEEN ? AND ? AND upload_id = ? AND state = 'claimed' ON CONFLICT DO NOTHING`,
  );
  const hold = db.prepare(
    `UPDATE deliveries SET ${HELD}, ambiguous = ambiguous + ?
     WHERE id BETWEEN ? AND ? AND upload_id = ? AND state = 'claimed'`,
  );
  return db
    .transaction(() => {
      mustHold(ledger);
      if (more.sent) attempts.run(why.code, why.reason, now, ...range, upload.id);
      const { changes } = hold.run(now, why.code, why.reason, more.sent ? 1 : 0, ...range, upload.id);
      if (changes > 0) db.prepare(LAG).run(upload.processingId);
      return changes;
    })
    .immediate();
}

/** Every row of an upload that has no answer yet is delivered, by the same proof. Returns how many. */
export function acceptRest(
  ledger: Ledger,
  upload: Upload,
  proof: { kind: Proof['kind']; eventId: string },
  now: number,
): number {
  return ledger.db
    .transaction(() => {
      mustHold(ledger);
      const { changes } = ledger.db
        .prepare(
          `UPDATE deliveries SET ${DELIVERED}
           WHERE id BETWEEN ? AND ? AND upload_id = ? AND ${UNANSWERED}`,
        )
        .run(now, proof.kind, proof.eventId, ...rangeOf(upload.processingId), upload.id);
      if (changes > 0) ledger.db.prepare(LAG).run(upload.processingId);
      return changes;
    })
    .immediate();
}

/** The event names of an upload's rows. */
export function eventNamesOf(ledger: Pick<Ledger, 'db'>, upload: Upload): string[] {
  return ledger.db
    .prepare<[number, number, number], { name: string }>(
      `SELECT DISTINCT e.name FROM deliveries d JOIN event_names e ON e.id = d.event_name_id
       WHERE d.id BETWEEN ? AND ? AND d.upload_id = ? ORDER BY e.name`,
    )
    .all(...rangeOf(upload.processingId), upload.id)
    .map(({ name }) => name);
}
