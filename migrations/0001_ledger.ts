import type { Knex } from 'knex';

/** States in which a row owns its key. A partial unique index settles every race for a key. */
const OWNING = ['claimed', 'delivered', 'waiting', 'unknown', 'held'];
const UNFINISHED = ['waiting', 'unknown', 'failed', 'held'];
const NOT_OWNING = ['rejected', 'failed', 'conflict', 'duplicate'];

/** More lines than a file may have; a delivery's id is its processing's times this, plus its line. */
const LINES = 2 ** 30;

const BLOB = { sqlite: 'blob', pg: 'bytea' } as const;

export async function up(knex: Knex): Promise<void> {
  const dialect = knex.client.config.client === 'pg' ? 'pg' : 'sqlite';
  const blob = BLOB[dialect];

  await knex.schema.createTable('ledger', (t) => {
    t.integer('id').primary();
    t.text('ledger_id').notNullable();
    t.specificType('hash_key', blob).notNullable();
    t.bigInteger('created_at').notNullable();
    t.check('id = 1', [], 'one_ledger');
  });

  await knex.schema.createTable('executor', (t) => {
    t.integer('id').primary();
    t.bigInteger('epoch').notNullable();
    t.text('kind');
    t.text('host');
    t.integer('pid');
    t.bigInteger('started_at');
    t.bigInteger('heartbeat_at');
    t.bigInteger('ended_at');
    t.check('id = 1', [], 'one_executor');
  });

  await knex.schema.createTable('destinations', (t) => {
    t.increments('id');
    t.text('provider').notNullable();
    t.text('account').notNullable();
    t.text('container').notNullable();
    t.unique(['provider', 'account', 'container']);
  });

  await knex.schema.createTable('event_names', (t) => {
    t.increments('id');
    t.integer('destination_id').notNullable().references('destinations.id');
    t.text('name').notNullable();
    t.unique(['destination_id', 'name']);
  });

  await knex.schema.createTable('definitions', (t) => {
    t.increments('id');
    t.text('sha256').notNullable().unique();
    t.text('job').notNullable();
    t.text('body').notNullable();
    t.bigInteger('created_at').notNullable();
  });

  await knex.schema.createTable('observations', (t) => {
    t.text('job').notNullable();
    t.text('path').notNullable();
    t.bigInteger('size').notNullable();
    t.bigInteger('mtime').notNullable();
    t.bigInteger('first_seen').notNullable();
    t.bigInteger('last_seen').notNullable();
    t.bigInteger('stable_since').notNullable();
    t.primary(['job', 'path']);
  });

  await knex.schema.createTable('runs', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('cause').notNullable();
    t.text('state').notNullable();
    t.bigInteger('started_at').notNullable();
    t.bigInteger('ended_at');
    t.text('account');
    t.check("state in ('running','finished','interrupted')", [], 'run_state');
    t.index(['job', 'id']);
  });

  await knex.schema.createTable('files', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('sha256').notNullable();
    t.bigInteger('bytes').notNullable();
    t.text('name').notNullable();
    t.bigInteger('first_seen').notNullable();
    t.unique(['job', 'sha256']);
  });

  await knex.schema.createTable('processings', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.integer('run_id').notNullable().references('runs.id');
    t.integer('definition_id').notNullable().references('definitions.id');
    t.integer('destination_id').notNullable().references('destinations.id');
    t.integer('file_id').references('files.id');
    t.integer('repeat_of').references('processings.id');
    t.text('name').notNullable();
    t.text('inbox_path').notNullable();
    t.text('taken_path').notNullable();
    t.bigInteger('size').notNullable();
    t.bigInteger('mtime').notNullable();
    t.text('raw_sha256');
    t.text('state').notNullable();
    t.text('lane');
    t.text('refusal');
    t.integer('read');
    t.text('account');
    // The account as a finished run last told it: a run that dies has told nothing, whatever it did.
    t.text('told');
    t.integer('revision').notNullable().defaultTo(0);
    t.text('results_path');
    t.text('archived_as');
    t.bigInteger('opened_at').notNullable();
    t.bigInteger('sealed_at');
    t.bigInteger('settled_at');
    t.bigInteger('closed_at');
    t.bigInteger('pruned_at');
    // 1 while its rows are being sent: after a crash only these can have claims without an answer.
    t.integer('sending').notNullable().defaultTo(0);
    t.check(
      "state in ('taking','taken','staged','sealed','settled','published','closed','vanished')",
      [],
      'processing_state',
    );
    t.check("state in ('taking','taken','vanished') or file_id is not null", [], 'staged_has_file');
    t.check("state <> 'closed' or account is not null", [], 'closed_has_account');
    t.index(['job', 'state']);
    t.index(['file_id']);
  });

  await knex.schema.createTable('publications', (t) => {
    t.integer('processing_id').notNullable().references('processings.id');
    t.integer('revision').notNullable();
    t.text('target').notNullable();
    t.text('sha256').notNullable();
    t.bigInteger('size').notNullable();
    t.text('published_as');
    t.bigInteger('planned_at').notNullable();
    t.bigInteger('published_at');
    t.primary(['processing_id', 'revision']);
  });

  // The id carries processing and line, so that rows of a file lie together, and one index serves for both.
  const place = (expression: string): string =>
    `integer GENERATED ALWAYS AS (${expression}) ${dialect === 'pg' ? 'STORED' : 'VIRTUAL'}`;
  // Comparisons joined by OR: for a list in IN, SQLite would build a small index at each write.
  const isOneOf = (states: readonly string[]): string => states.map((state) => `state = '${state}'`).join(' OR ');
  await knex.schema.createTable('deliveries', (t) => {
    t.specificType('id', dialect === 'pg' ? 'bigint' : 'integer').primary();
    t.specificType('processing_id', place(`id / ${LINES}`));
    t.specificType('line', place(`id % ${LINES}`));
    t.integer('event_name_id').notNullable();
    t.specificType('key_hash', blob).notNullable();
    t.text('key').notNullable();
    t.specificType('content_hash', blob).notNullable();
    t.specificType('order_hash', blob);
    t.text('state').notNullable();
    // Whether the row owns its key. A column of its own: the index over it stays untouched when a claim becomes a delivery.
    t.integer('owns').notNullable();
    // 1 where a row was tried and is not final: for the few queries that look for those. Null on the usual way, for the same reason.
    t.integer('unfinished');
    t.integer('attempts').notNullable();
    t.integer('ambiguous').notNullable().defaultTo(0);
    t.bigInteger('claimed_at').notNullable();
    t.bigInteger('answered_at');
    t.text('proof');
    t.text('event_id');
    t.text('person_id');
    t.text('code');
    t.text('reason');
    t.integer('http');
    t.text('unique_id');
    t.check(isOneOf([...OWNING, ...NOT_OWNING]), [], 'delivery_state');
    t.check(`owns = CASE WHEN ${isOneOf(OWNING)} THEN 1 ELSE 0 END`, [], 'owner_by_state');
    t.check(`(unfinished IS NOT NULL) = (${isOneOf(UNFINISHED)})`, [], 'unfinished_by_state');
    t.check("state <> 'delivered' or (event_id is not null and proof is not null)", [], 'delivered_has_proof');
  });
  await knex.raw('CREATE UNIQUE INDEX one_owner ON deliveries (event_name_id, key_hash) WHERE owns = 1');
  await knex.raw('CREATE INDEX not_owning ON deliveries (key_hash) WHERE owns = 0');
  await knex.raw('CREATE INDEX unfinished_rows ON deliveries (id) WHERE unfinished = 1');

  await knex.schema.createTable('attempts', (t) => {
    t.increments('id');
    t.bigInteger('delivery_id').notNullable().references('deliveries.id');
    t.integer('number').notNullable();
    t.text('result').notNullable();
    t.text('code').notNullable();
    t.text('reason').notNullable();
    t.integer('http');
    t.text('unique_id');
    t.bigInteger('claimed_at').notNullable();
    t.bigInteger('answered_at').notNullable();
    t.check("result in ('fail','info','orphan')", [], 'attempt_result');
    t.unique(['delivery_id', 'number']);
  });

  await knex.schema.createTable('dedupe_proofs', (t) => {
    t.increments('id');
    t.text('provider').notNullable();
    t.text('account').notNullable();
    t.text('event_name').notNullable();
    t.text('within_event').notNullable();
    t.text('across_events').notNullable();
    t.text('evidence').notNullable();
    t.bigInteger('proven_at').notNullable();
    t.index(['provider', 'account', 'event_name']);
  });

  await knex.schema.createTable('schedules', (t) => {
    t.text('job').primary();
    t.bigInteger('last_due_at').notNullable();
  });

  await knex.schema.createTable('requests', (t) => {
    t.increments('id');
    t.text('verb').notNullable();
    t.text('body').notNullable();
    t.text('requested_by').notNullable();
    t.bigInteger('requested_at').notNullable();
    t.bigInteger('taken_at');
    t.bigInteger('answered_at');
    t.text('answer');
    t.integer('exit_code');
    t.index(['answered_at']);
  });

  await guardFinality(knex, dialect);
}

/** Delivered is final, and an attempt, once written, stays: enforced by the database, not by our care. */
async function guardFinality(knex: Knex, dialect: 'sqlite' | 'pg'): Promise<void> {
  const guards = [
    { name: 'delivered_is_final', event: 'UPDATE', table: 'deliveries', when: "OLD.state = 'delivered'" },
    { name: 'attempts_are_kept', event: 'UPDATE', table: 'attempts', when: '1 = 1' },
  ];
  for (const { name, event, table, when } of guards) {
    const message = name.replaceAll('_', ' ');
    if (dialect === 'sqlite') {
      await knex.raw(
        `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} WHEN ${when} BEGIN SELECT RAISE(ABORT, '${message}'); END`,
      );
    } else {
      await knex.raw(
        `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '${message}'; END $$`,
      );
      await knex.raw(
        `CREATE TRIGGER ${name} BEFORE ${event} ON ${table} FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION ${name}()`,
      );
    }
  }
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
