import type { Knex } from 'knex';

/** Who is in which segment at which target, and each sync of one. */
export async function up(knex: Knex): Promise<void> {
  const dialect = knex.client.config.client === 'pg' ? 'pg' : 'sqlite';
  const blob = dialect === 'pg' ? 'bytea' : 'blob';

  // `members`: how many the last look counted. `id_kind` is fixed by the first sync.
  await knex.schema.createTable('segments', (t) => {
    t.increments('id');
    t.integer('destination_id').notNullable().references('destinations.id');
    t.text('name').notNullable();
    t.text('job').notNullable();
    t.text('id_kind').notNullable();
    t.text('target_id').notNullable();
    t.text('target_name').notNullable();
    t.bigInteger('members').notNullable().defaultTo(0);
    t.bigInteger('since').notNullable();
    t.bigInteger('synced_at');
    t.unique(['destination_id', 'name']);
    t.index(['job']);
  });

  // The last confirmed membership. The id of a member is its key, and all that is kept of the person.
  const rows = 'segment_id integer NOT NULL, part integer NOT NULL, member text NOT NULL';
  await knex.raw(
    `CREATE TABLE segment_members (${rows}, PRIMARY KEY (segment_id, part, member))${dialect === 'pg' ? '' : ' WITHOUT ROWID'}`,
  );

  await knex.schema.createTable('segment_syncs', (t) => {
    t.increments('id');
    t.integer('segment_id').notNullable().references('segments.id');
    // Null for a repair.
    t.integer('processing_id').references('processings.id');
    t.text('kind').notNullable();
    t.text('state').notNullable();
    t.bigInteger('started_at').notNullable();
    t.bigInteger('ended_at');
    t.bigInteger('before').notNullable();
    // Rows of the file that name a member of this segment, each member once.
    t.bigInteger('listed').notNullable();
    t.bigInteger('to_add').notNullable();
    t.bigInteger('to_remove').notNullable();
    t.bigInteger('unchanged').notNullable();
    t.bigInteger('added').notNullable().defaultTo(0);
    t.bigInteger('removed').notNullable().defaultTo(0);
    t.bigInteger('rejected').notNullable().defaultTo(0);
    t.bigInteger('after');
    t.check("kind in ('snapshot','changes','repair')", [], 'sync_kind');
    t.check("state in ('held','running','done','superseded')", [], 'sync_state');
    t.check("(state = 'done') = (after is not null)", [], 'done_is_counted');
    t.unique(['processing_id', 'segment_id']);
    t.index(['segment_id', 'id']);
  });

  // Changes on the wire, or without a clear answer: they are sent again before anything else of their segment.
  await knex.schema.createTable('segment_chunks', (t) => {
    t.increments('id');
    t.integer('segment_id').notNullable().references('segments.id');
    t.integer('sync_id').notNullable().references('segment_syncs.id');
    t.text('body').notNullable();
    t.bigInteger('claimed_at').notNullable();
    t.index(['segment_id', 'id']);
  });

  // What the target said no to: for the results of the file. The hash is that of the row's key.
  await knex.schema.createTable('segment_refusals', (t) => {
    t.integer('sync_id').notNullable().references('segment_syncs.id');
    t.specificType('key_hash', blob).notNullable();
    t.text('code').notNullable();
    t.text('reason').notNullable();
    t.primary(['sync_id', 'key_hash']);
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
