import type { Answer } from '../model.ts';
import { fenceOf } from './fence.ts';
import type { Ledger } from './open.ts';

/** States of a row on its way. `duplicate` only for a failed row that found its key taken when it was tried again. */
export type DeliveryState =
  | 'claimed'
  | 'waiting'
  | 'unknown'
  | 'held'
  | 'delivered'
  | 'rejected'
  | 'failed'
  | 'conflict'
  | 'duplicate';

/** More lines than a file may have; a delivery's id is its processing's times this, plus its line. */
export const LINES = 2 ** 30;

/** SQL condition: the delivery `d` belongs to the processing `p`, by the range of its id. */
export const OF_PROCESSING = `d.id BETWEEN p.id * ${LINES} AND p.id * ${LINES} + ${LINES - 1}`;

/** What the ledger knows of one row's delivery. */
export interface Delivery {
  id: number;
  line: number;
  state: DeliveryState;
  attempts: number;
  ambiguous: number;
  code: string;
  reason: string;
  eventId: string;
  /** Milliseconds since 1970; 0: never answered. */
  at: number;
}

/** A row that asks for its key. */
export interface Claim {
  line: number;
  eventNameId: number;
  key: string;
  keyHash: Buffer;
  contentHash: Buffer;
  orderHash: Buffer | null;
  /** Its delivery of an earlier pass or try, which goes on. */
  prior?: Delivery;
}

/** The row that owns a key. */
export interface Owner {
  id: number;
  processingId: number;
  definitionId: number;
  file: string;
  line: number;
  state: DeliveryState;
  contentHash: Buffer;
  eventId: string;
  at: number;
}

export type ClaimResult = { kind: 'claimed'; id: number; attempt: number } | { kind: 'owned'; owner: Owner };

/** The end of one attempt. */
export interface Recorded {
  id: number;
  attempt: number;
  state: Exclude<DeliveryState, 'claimed' | 'conflict' | 'duplicate'>;
  answer: Answer;
  code: string;
  reason: string;
}

/** A row that ends without being sent. */
export interface Settled {
  claim: Claim;
  state: 'conflict' | 'failed' | 'duplicate' | 'held' | 'rejected';
  code: string;
  reason: string;
}

interface OwnerRow {
  id: number;
  line: number;
  state: DeliveryState;
  content_hash: Buffer;
  event_id: string | null;
  answered_at: number | null;
}

/** One place where a pass over a file meets the ledger; its statements are prepared once. */
export interface DeliveryBook {
  /**
   * One transaction: the answers are recorded, rows end that are not sent, and new claims are made. Returns a result for
   * each claim, in order. Throws, and changes nothing, where an attempt was already recorded or the lock was lost.
   */
  commit(
    records: readonly Recorded[],
    settled: readonly Settled[],
    claims: readonly Claim[],
    now: number,
  ): ClaimResult[];
  /** Deliveries of lines from..to (both included), by line. */
  range(processingId: number, from: number, to: number): Map<number, Delivery>;
  owner(eventNameId: number, keyHash: Buffer): Owner | undefined;
  /** The same for many keys, in one look at the ledger; owners[i] belongs to keys[i]. */
  owners(keys: readonly { eventNameId: number; keyHash: Buffer }[]): (Owner | undefined)[];
}

/** Opens the book of one processing. */
export function openBook(ledger: Ledger, processingId: number): DeliveryBook {
  const { db } = ledger;
  const claimNew = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, attempts, claimed_at)
     VALUES (?, ?, ?, ?, ?, ?, 'claimed', 1, 1, ?) ON CONFLICT DO NOTHING`,
  );
  const insertEnded = db.prepare(
    `INSERT INTO deliveries (id, event_name_id, key_hash, key, content_hash, order_hash, state, owns, unfinished, attempts, claimed_at, code, reason)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const again = db.prepare(
    `UPDATE OR IGNORE deliveries SET state = 'claimed', owns = 1, unfinished = NULL, attempts = attempts + 1, claimed_at = ?
     WHERE id = ? AND state IN ('waiting','unknown','failed')`,
  );
  const end = db.prepare(
    "UPDATE deliveries SET state = ?, owns = ?, unfinished = ?, code = ?, reason = ?, answered_at = ? WHERE id = ? AND state <> 'delivered'",
  );
  const accept = db.prepare(
    `UPDATE deliveries SET state = 'delivered', answered_at = ?, proof = ?, event_id = ?, person_id = ?, http = ?, code = NULL, reason = NULL
     WHERE id = ? AND attempts = ? AND state = 'claimed'`,
  );
  const refuse = db.prepare(
    `UPDATE deliveries SET state = ?, owns = ?, unfinished = ?, answered_at = ?, code = ?, reason = ?, http = ?, unique_id = ?, ambiguous = ambiguous + ?
     WHERE id = ? AND attempts = ? AND state = 'claimed'`,
  );
  const attempt = db.prepare(
    `INSERT INTO attempts (delivery_id, number, result, code, reason, http, unique_id, claimed_at, answered_at)
     SELECT id, attempts, ?, ?, ?, ?, ?, claimed_at, ? FROM deliveries WHERE id = ?`,
  );
  const mustHold = fenceOf(ledger);
  const owner = db.prepare<[number, Buffer], OwnerRow>(
    `SELECT id, line, state, content_hash, event_id, answered_at FROM deliveries
     WHERE event_name_id = ? AND key_hash = ? AND owns = 1`,
  );
  // Looked up once each: joined to every row, it costs more than the row.
  const processings = new Map<number, { definition_id: number; name: string }>();
  const processing = db.prepare<[number], { definition_id: number; name: string }>(
    'SELECT definition_id, name FROM processings WHERE id = ?',
  );
  const range = db.prepare<[number, number], DeliveryRow>(
    `SELECT id, line, state, attempts, ambiguous, code, reason, event_id, answered_at
     FROM deliveries WHERE id BETWEEN ? AND ?`,
  );

  const findOwner = (eventNameId: number, keyHash: Buffer): Owner | undefined => {
    const row = owner.get(eventNameId, keyHash);
    if (!row) return undefined;
    const id = Math.floor(row.id / LINES);
    const its = processings.get(id) ?? processing.get(id);
    if (!its) throw new Error(`the ledger has a delivery of processing ${id}, and no such processing`);
    processings.set(id, its);
    return {
      id: row.id,
      processingId: id,
      definitionId: its.definition_id,
      file: its.name,
      line: row.line,
      state: row.state,
      contentHash: row.content_hash,
      eventId: row.event_id ?? '',
      at: row.answered_at ?? 0,
    };
  };
  const findOwners = db.transaction((keys: readonly { eventNameId: number; keyHash: Buffer }[]) =>
    keys.map(({ eventNameId, keyHash }) => findOwner(eventNameId, keyHash)),
  );

  const record = (entry: Recorded, now: number): void => {
    const { answer } = entry;
    const http = answer.http ?? null;
    if (answer.kind === 'accepted') {
      const { kind, eventId, personId } = answer.proof;
      mustChange(accept.run(now, kind, eventId, personId ?? null, http, entry.id, entry.attempt).changes, entry);
      return;
    }
    const uniqueId = answer.kind === 'rejected' ? (answer.uniqueId ?? null) : null;
    const unclear = answer.kind === 'unknown' || (answer.kind === 'halted' && answer.doubtful === true);
    const changed = refuse.run(
      entry.state,
      ownsKey(entry.state),
      unfinished(entry.state),
      now,
      entry.code,
      entry.reason,
      http,
      uniqueId,
      unclear ? 1 : 0,
      entry.id,
      entry.attempt,
    ).changes;
    mustChange(changed, entry);
    attempt.run(unclear ? 'info' : 'fail', answer.code, answer.reason, http, uniqueId, now, entry.id);
  };

  const claimOne = (claim: Claim, now: number): ClaimResult => {
    const { prior } = claim;
    if (prior) {
      if (again.run(now, prior.id).changes === 1) return { kind: 'claimed', id: prior.id, attempt: prior.attempts + 1 };
    } else {
      const id = processingId * LINES + claim.line;
      const { eventNameId, keyHash, key, contentHash, orderHash } = claim;
      if (claimNew.run(id, eventNameId, keyHash, key, contentHash, orderHash, now).changes === 1)
        return { kind: 'claimed', id, attempt: 1 };
    }
    const found = findOwner(claim.eventNameId, claim.keyHash);
    if (!found) throw new Error(`the key of line ${claim.line} was refused by the ledger, but nobody owns it`);
    return { kind: 'owned', owner: found };
  };

  const settle = ({ claim, state, code, reason }: Settled, now: number): void => {
    if (claim.prior) {
      end.run(state, ownsKey(state), unfinished(state), code, reason, now, claim.prior.id);
      return;
    }
    const { line, eventNameId, keyHash, key, contentHash, orderHash } = claim;
    const id = processingId * LINES + line;
    const standing = [state, ownsKey(state), unfinished(state)];
    insertEnded.run(id, eventNameId, keyHash, key, contentHash, orderHash, ...standing, now, code, reason);
  };

  const commit = db.transaction(
    (records: readonly Recorded[], settled: readonly Settled[], claims: readonly Claim[], now: number) => {
      mustHold();
      for (const entry of records) record(entry, now);
      for (const entry of settled) settle(entry, now);
      return claims.map((claim) => claimOne(claim, now));
    },
  );

  return {
    commit: (records, settled, claims, now) => commit.immediate(records, settled, claims, now),
    range: (id, from, to) =>
      new Map(range.all(id * LINES + from, id * LINES + to).map((row) => [row.line, deliveryOf(row)])),
    owner: findOwner,
    owners: (keys) => findOwners.deferred(keys),
  };
}

const OWNING: ReadonlySet<DeliveryState> = new Set(['claimed', 'waiting', 'unknown', 'held', 'delivered']);

const UNFINISHED: ReadonlySet<DeliveryState> = new Set(['waiting', 'unknown', 'failed', 'held']);

const unfinished = (state: DeliveryState): 1 | null => (UNFINISHED.has(state) ? 1 : null);

const ownsKey = (state: DeliveryState): 0 | 1 => (OWNING.has(state) ? 1 : 0);

interface DeliveryRow {
  id: number;
  line: number;
  state: DeliveryState;
  attempts: number;
  ambiguous: number;
  code: string | null;
  reason: string | null;
  event_id: string | null;
  answered_at: number | null;
}

const deliveryOf = (row: DeliveryRow): Delivery => ({
  id: row.id,
  line: row.line,
  state: row.state,
  attempts: row.attempts,
  ambiguous: row.ambiguous,
  code: row.code ?? '',
  reason: row.reason ?? '',
  eventId: row.event_id ?? '',
  at: row.answered_at ?? 0,
});

function mustChange(changes: number, entry: Recorded): void {
  if (changes === 1) return;
  throw new Error(`attempt ${entry.attempt} of delivery ${entry.id} was recorded before`);
}
