import type { Knex } from 'knex';

/** Restored backups, imported keys, and what was pruned. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('restores', (t) => {
    t.increments('id');
    // What was done after this moment is not in the ledger: it is found again from archives and results.
    t.bigInteger('backup_made_at').notNullable();
    t.text('backup_sha256').notNullable();
    t.bigInteger('restored_at').notNullable();
  });

  // A job sends nothing before its files of the lost time were found again.
  await knex.schema.createTable('restored_jobs', (t) => {
    t.integer('restore_id').notNullable().references('restores.id');
    t.text('job').notNullable();
    t.bigInteger('found_at').notNullable();
    t.integer('files').notNullable();
    t.primary(['restore_id', 'job']);
  });

  await knex.schema.createTable('imports', (t) => {
    t.increments('id');
    t.integer('processing_id').notNullable().references('processings.id');
    t.integer('event_name_id').notNullable().references('event_names.id');
    t.text('sha256').notNullable();
    t.text('key_column').notNullable();
    // The last line that is in the ledger: an import that was cut short goes on behind it.
    t.integer('line').notNullable().defaultTo(0);
    t.integer('read').notNullable().defaultTo(0);
    t.integer('imported').notNullable().defaultTo(0);
    t.integer('known').notNullable().defaultTo(0);
    t.integer('rejected').notNullable().defaultTo(0);
    t.bigInteger('started_at').notNullable();
    t.bigInteger('ended_at');
    t.unique(['event_name_id', 'sha256', 'key_column']);
  });

  await knex.schema.alterTable('processings', (t) => {
    // 1: the ledger was restored since, and it is not known yet what became of its rows meanwhile.
    t.integer('restored').notNullable().defaultTo(0);
    t.bigInteger('keys_pruned_at');
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
