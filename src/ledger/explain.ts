import type { DeliveryState } from './deliveries.ts';
import type { Ledger } from './open.ts';
import type { FileVerdict, ProcessingState } from './processings.ts';

/** A pass over a file, as far as it concerns one of its rows. Times are milliseconds since 1970. */
export interface KnownFile {
  processing: number;
  /** Whose staged copy and deliveries count, where the same contents came before. */
  repeatOf: number | null;
  job: string;
  name: string;
  sha256: string | null;
  state: ProcessingState;
  openedAt: number;
  closedAt: number | null;
  prunedAt: number | null;
  resultsPath: string | null;
  archivedAs: string | null;
  /** Where the file as a whole was refused or held: what became of that. */
  verdict: FileVerdict['verdict'] | null;
}

export interface KnownAttempt {
  number: number;
  /** ok: accepted; fail: not accepted; info: no clear answer; orphan: we died meanwhile; open: no answer yet. */
  result: 'ok' | 'fail' | 'info' | 'orphan' | 'open';
  code: string | null;
  reason: string | null;
  http: number | null;
  uniqueId: string | null;
  claimedAt: number;
  answeredAt: number | null;
}

/** All that the ledger has of one row: it stays when the staged file is gone. */
export interface KnownDelivery {
  id: number;
  processing: number;
  definition: number;
  line: number;
  key: string;
  eventName: string;
  destination: { provider: string; account: string; container: string };
  state: DeliveryState;
  code: string | null;
  reason: string | null;
  claimedAt: number;
  answeredAt: number | null;
  proof: string | null;
  eventId: string | null;
  personId: string | null;
  uniqueId: string | null;
  contentHash: Buffer;
  attempts: KnownAttempt[];
}

interface DeliveryRow {
  id: number;
  processing_id: number;
  definition_id: number;
  line: number;
  key: string;
  event_name: string;
  provider: string;
  account: string;
  container: string;
  state: DeliveryState;
  code: string | null;
  reason: string | null;
  attempts: number;
  claimed_at: number;
  answered_at: number | null;
  proof: string | null;
  event_id: string | null;
  person_id: string | null;
  unique_id: string | null;
  http: number | null;
  content_hash: Buffer;
}

const COLUMNS = `d.id, d.processing_id, p.definition_id, d.line, d.key, e.name AS event_name, s.provider, s.account, s.container,
  d.state, d.code, d.reason, d.attempts, d.claimed_at, d.answered_at, d.proof, d.event_id, d.person_id, d.unique_id, d.http,
  d.content_hash
  FROM deliveries d JOIN processings p ON p.id = d.processing_id JOIN event_names e ON e.id = d.event_name_id
  JOIN destinations s ON s.id = e.destination_id`;

/** The owner of a key in each event name, and rows that asked for it and own nothing; by age. */
export function deliveriesOfKey(ledger: Pick<Ledger, 'db'>, keyHash: Buffer): KnownDelivery[] {
  const { db } = ledger;
  const names = db.prepare<[], { id: number }>('SELECT id FROM event_names').all();
  // Two queries, one for each of the partial indexes: together they would read the whole table.
  const owner = db.prepare<[number, Buffer], DeliveryRow>(
    `SELECT ${COLUMNS} WHERE d.event_name_id = ? AND d.key_hash = ? AND d.owns = 1`,
  );
  const others = db.prepare<[Buffer], DeliveryRow>(`SELECT ${COLUMNS} WHERE d.key_hash = ? AND d.owns = 0`);
  const rows = [...names.flatMap(({ id }) => owner.all(id, keyHash)), ...others.all(keyHash)];
  return rows.sort((a, b) => a.id - b.id).map((row) => deliveryOf(ledger, row));
}

function deliveryOf(ledger: Pick<Ledger, 'db'>, row: DeliveryRow): KnownDelivery {
  const { provider, account, container } = row;
  return {
    id: row.id,
    processing: row.processing_id,
    definition: row.definition_id,
    line: row.line,
    key: row.key,
    eventName: row.event_name,
    destination: { provider, account, container },
    state: row.state,
    code: row.code,
    reason: row.reason ?? (row.code === 'AWAITS_RESULTS' ? sentIn(ledger, row.id) : null),
    claimedAt: row.claimed_at,
    answeredAt: row.answered_at,
    proof: row.proof,
    eventId: row.event_id,
    personId: row.person_id,
    uniqueId: row.unique_id,
    contentHash: row.content_hash,
    attempts: attemptsOf(ledger, row),
  };
}

function sentIn({ db }: Pick<Ledger, 'db'>, id: number): string | null {
  const upload = db
    .prepare<[number], { name: string }>(
      'SELECT u.name FROM deliveries d JOIN uploads u ON u.id = d.upload_id WHERE d.id = ?',
    )
    .get(id);
  return upload ? `it goes in ${upload.name}, and Extole has not answered for this row yet` : null;
}

/** Attempts without a yes have rows of their own; the last one is in the delivery where it has a yes or no answer yet. */
function attemptsOf({ db }: Pick<Ledger, 'db'>, row: DeliveryRow): KnownAttempt[] {
  const attempts = db
    .prepare<[number], KnownAttempt>(
      `SELECT number, result, code, reason, http, unique_id AS uniqueId, claimed_at AS claimedAt, answered_at AS answeredAt
       FROM attempts WHERE delivery_id = ? ORDER BY number`,
    )
    .all(row.id);
  const last = { number: row.attempts, code: null, reason: null, uniqueId: null, claimedAt: row.claimed_at };
  // An imported key was never tried here.
  if (row.state === 'delivered' && row.attempts > 0)
    attempts.push({ ...last, result: 'ok', http: row.http, answeredAt: row.answered_at });
  if (row.state === 'claimed') attempts.push({ ...last, result: 'open', http: null, answeredAt: null });
  return attempts;
}

interface FileRow {
  id: number;
  repeat_of: number | null;
  job: string;
  name: string;
  sha256: string | null;
  state: ProcessingState;
  opened_at: number;
  closed_at: number | null;
  pruned_at: number | null;
  results_path: string | null;
  archived_as: string | null;
  verdict: FileVerdict['verdict'] | null;
}

const FILE_COLUMNS = `p.id, p.repeat_of, p.job, p.name, f.sha256, p.state, p.opened_at, p.closed_at, p.pruned_at, p.results_path, p.archived_as,
  json_extract(p.refusal, '$.verdict') AS verdict
  FROM processings p LEFT JOIN files f ON f.id = p.file_id`;

const fileOf = (row: FileRow): KnownFile => ({
  processing: row.id,
  repeatOf: row.repeat_of,
  job: row.job,
  name: row.name,
  sha256: row.sha256,
  state: row.state,
  openedAt: row.opened_at,
  closedAt: row.closed_at,
  prunedAt: row.pruned_at,
  resultsPath: row.results_path,
  archivedAs: row.archived_as,
  verdict: row.verdict,
});

/** A processing and those that found the same contents again, oldest first. */
export function fileAndRepeats(ledger: Pick<Ledger, 'db'>, processing: number): KnownFile[] {
  return ledger.db
    .prepare<[number, number], FileRow>(`SELECT ${FILE_COLUMNS} WHERE p.id = ? OR p.repeat_of = ? ORDER BY p.id`)
    .all(processing, processing)
    .map(fileOf);
}

/** Processings that judged their file themselves and whose staged copy should still be there, oldest first. */
export function stagedProcessings(ledger: Pick<Ledger, 'db'>): KnownFile[] {
  return ledger.db
    .prepare<[], FileRow>(
      `SELECT ${FILE_COLUMNS} WHERE p.pruned_at IS NULL AND p.repeat_of IS NULL AND p.file_id IS NOT NULL ORDER BY p.id`,
    )
    .all()
    .map(fileOf);
}
