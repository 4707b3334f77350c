import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { countMembersWho, removeMembersWho } from './forget-members.ts';
import type { Ledger } from './open.ts';

/** Columns that say where a file is: with another text in them it would not be found any more. */
const PLACES: ReadonlySet<string> = new Set([
  ...['name', 'path', 'inbox_path', 'taken_path', 'archived_as', 'results_path', 'target', 'published_as'],
  // What a file was taken under says which of its columns is the key.
  ...['body', 'sha256', 'ledger_id'],
]);

/** Rows that are nothing without the person. */
const GOES_WHOLE: ReadonlySet<string> = new Set(['attempts', 'links', 'received_members', 'segment_doubts']);

/** What somebody still works with stays as it is until it is done: then the command is given again. */
const FINAL: Readonly<Record<string, string>> = {
  deliveries: `AND unfinished IS NULL AND state <> 'claimed'
    AND processing_id IN (SELECT id FROM processings WHERE state IN ('closed','vanished'))`,
  processings: "AND state IN ('closed','vanished')",
  requests: 'AND answered_at IS NOT NULL',
  // Changes without an answer go once they have one.
  segment_chunks: 'AND 0',
};

/** Those have been seen to before. */
const NO_PROOFS = "AND state <> 'delivered'";

export interface Scrubbed {
  /** Cells of the ledger in which the person stood, and does no more. */
  cells: number;
  /** Where the person still stands, `table.column`, since other things hang on it: names of files. */
  left: string[];
}

/** Where a text of a person stands in the ledger; removes it, where `without` is given, but for the hashes by which keys are known. */
export function scrubLedger(
  { db }: Pick<Ledger, 'db'>,
  holds: (text: string) => boolean,
  without?: (text: string) => string,
): Scrubbed {
  db.function('holds_person', { deterministic: true }, (text: unknown) =>
    typeof text === 'string' && holds(text) ? 1 : 0,
  );
  const scrubbed: Scrubbed = { cells: scrubProofs({ db }, without !== undefined), left: [] };
  for (const { table, column } of textColumns({ db })) {
    const final = `${FINAL[table] ?? ''} ${table === 'deliveries' && column === 'event_id' ? NO_PROOFS : ''}`;
    const found = db
      .prepare<[], { row: number; text: string }>(
        `SELECT rowid AS row, "${column}" AS text FROM "${table}" WHERE holds_person("${column}") = 1 ${final}`,
      )
      .all();
    if (found.length === 0) continue;
    if (PLACES.has(column)) {
      scrubbed.left.push(`${table}.${column}`);
      continue;
    }
    scrubbed.cells += found.length;
    if (!without) continue;
    const change = db.prepare(`UPDATE "${table}" SET "${column}" = ? WHERE rowid = ?`);
    // An attempt is never changed; it may go, as it does with its time. A link of nobody is none.
    const remove = db.prepare(`DELETE FROM "${table}" WHERE rowid = ?`);
    db.transaction(() => {
      for (const { row, text } of found) GOES_WHOLE.has(table) ? remove.run(row) : change.run(without(text), row);
    }).immediate();
  }
  const members = countMembersWho({ db });
  scrubbed.cells += members;
  if (without && members > 0) removeMembersWho({ db });
  return scrubbed;
}

/**
 * Delivered rows whose proof is a link of the person, which may hold a name. The link is not always the one of the ledger: a webhook may
 * have changed that since, and time may have taken it. Nothing else of a delivered row may be said anew, so that the proof goes whole.
 * Comes before the keys go, by which rows are found. Returns how many there are.
 */
function scrubProofs({ db }: Pick<Ledger, 'db'>, remove: boolean): number {
  const found = db
    .prepare<[], { id: number }>(
      `WITH theirs AS (SELECT link, partner_user_id AS partner, destination_id AS destination FROM links
         WHERE holds_person(person) = 1 OR holds_person(email) = 1)
       SELECT d.id FROM deliveries d LEFT JOIN event_names n ON n.id = d.event_name_id
       WHERE d.state = 'delivered' AND d.event_id <> '' AND (holds_person(d.event_id) = 1 OR d.proof = 'link' AND (
         holds_person(d.key) = 1 OR d.event_id IN (SELECT link FROM theirs)
         OR (n.destination_id, d.key) IN (SELECT destination, partner FROM theirs)))`,
    )
    .all();
  if (!remove || found.length === 0) return found.length;
  db.prepare("UPDATE deliveries SET event_id = '' WHERE id IN (SELECT value FROM json_each(?))").run(
    JSON.stringify(found.map(({ id }) => id)),
  );
  return found.length;
}

/** A table without numbers of rows has to be seen to by name, as members of segments are. */
function textColumns({ db }: Pick<Ledger, 'db'>): { table: string; column: string }[] {
  return db
    .prepare<[], { table: string; column: string }>(
      `SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list t JOIN pragma_table_info(t.name) c
       WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0 AND t.name NOT LIKE 'knex_%' AND t.name NOT LIKE 'sqlite_%'
         AND lower(c.type) IN ('text', 'varchar(255)')`,
    )
    .all();
}

const NONCE = 12;
const TAG = 16;

/** A person's address as it stands in a request, which is in the ledger until it is answered. */
export function sealPerson(ledger: Pick<Ledger, 'hashKey'>, email: string): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', keyOf(ledger), nonce);
  return Buffer.concat([nonce, cipher.update(email, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** Throws where it was sealed for another ledger. */
export function openPerson(ledger: Pick<Ledger, 'hashKey'>, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(ledger), bytes.subarray(0, NONCE));
  decipher.setAuthTag(bytes.subarray(-TAG));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString('utf8');
}

const keyOf = ({ hashKey }: Pick<Ledger, 'hashKey'>): Buffer =>
  createHash('sha256').update('forget').update(hashKey).digest();

/** Whether a decision to forget this person is kept already. `person`: the keyed hash. */
export function wasForgotten({ db }: Pick<Ledger, 'db'>, person: string): boolean {
  return (
    db.prepare("SELECT 1 FROM decisions WHERE verb = 'forget' AND json_extract(scope, '$.person') = ?").get(person) !==
    undefined
  );
}

/** Processings whose staged copies went with time: whether a person was in them is not known any more. By job. */
export function countPruned({ db }: Pick<Ledger, 'db'>, job: string): number {
  return (
    db
      .prepare<[string], { n: number }>(
        'SELECT count(*) AS n FROM processings WHERE job = ? AND pruned_at IS NOT NULL AND file_id IS NOT NULL',
      )
      .get(job)?.n ?? 0
  );
}

/** Ids of the jobs that brought a file, in the order of the alphabet. */
export function jobsOfFiles({ db }: Pick<Ledger, 'db'>): string[] {
  return db
    .prepare<[], { job: string }>('SELECT DISTINCT job FROM processings ORDER BY job')
    .all()
    .map(({ job }) => job);
}
