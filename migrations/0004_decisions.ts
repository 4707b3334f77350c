import type { Knex } from 'knex';

/** What people decided about files and rows, and what a run still owes. */
export async function up(knex: Knex): Promise<void> {
  // Kept for ever. `processing_id` and `line` are set where the decision was about one file, or one row of it.
  await knex.schema.createTable('decisions', (t) => {
    t.increments('id');
    t.text('verb').notNullable();
    t.text('job').notNullable();
    t.integer('processing_id');
    t.bigInteger('line');
    t.text('key');
    // What was asked for, as JSON: the code, the time.
    t.text('scope').notNullable();
    // How many rows were to leave, or to be rejected: the number that the person saw.
    t.bigInteger('rows').notNullable();
    t.text('reason').notNullable();
    t.text('decided_by').notNullable();
    t.text('host').notNullable();
    t.bigInteger('at').notNullable();
    t.integer('request_id');
    t.index(['job', 'id']);
  });

  // Which rows it was about. No reference to deliveries: decisions outlive them. A line of 0 is the file as a whole.
  await knex.schema.createTable('decided_rows', (t) => {
    t.integer('processing_id').notNullable();
    t.bigInteger('line').notNullable();
    t.integer('decision_id').notNullable().references('decisions.id');
    t.primary(['processing_id', 'line', 'decision_id']);
  });

  await knex.schema.alterTable('processings', (t) => {
    // The earlier pass over the same contents that this one judges anew.
    t.integer('reprocess_of');
  });
  await knex.schema.alterTable('runs', (t) => {
    // 1 while the report of a finished run is not on the remote.
    t.integer('report_owed');
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
