import type { Knex } from 'knex';

/** What comes with files, and what a row of files is known by: manifests and markers, sequence numbers, the width of keys. */
export async function up(knex: Knex): Promise<void> {
  // Files that were taken together with another one and are archived beside it.
  await knex.schema.createTable('companions', (t) => {
    t.integer('processing_id').notNullable().references('processings.id');
    t.text('kind').notNullable();
    t.text('name').notNullable();
    t.text('inbox_path').notNullable();
    t.text('taken_path').notNullable();
    t.text('archived_as');
    t.primary(['processing_id', 'kind']);
    t.check("kind in ('manifest','marker')", [], 'companion_kind');
  });

  // The numbers of a job's files. A missing one was skipped by a later file; it is solved when its file comes after all.
  await knex.schema.createTable('sequences', (t) => {
    t.text('job').notNullable();
    t.bigInteger('number').notNullable();
    t.text('state').notNullable();
    t.integer('processing_id').references('processings.id');
    t.integer('file_id').references('files.id');
    t.bigInteger('missing_since');
    t.bigInteger('seen_at');
    t.primary(['job', 'number']);
    t.check("state in ('seen','missing')", [], 'sequence_state');
    t.check("(state = 'seen') = (processing_id is not null)", [], 'seen_has_processing');
  });

  // How wide the keys of a delivered file were, where they agreed.
  await knex.schema.createTable('key_widths', (t) => {
    t.text('job').notNullable();
    t.text('key_column').notNullable();
    t.integer('processing_id').notNullable().references('processings.id');
    t.integer('width').notNullable();
    t.integer('rows').notNullable();
    // How many of the keys began with a zero.
    t.integer('zeros').notNullable();
    t.primary(['job', 'key_column', 'processing_id']);
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
