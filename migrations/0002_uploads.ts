import type { Knex } from 'knex';

/** Whole files that go to a destination, and the answers that came back for them. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('uploads', (t) => {
    t.increments('id');
    t.integer('processing_id').notNullable().references('processings.id');
    // The first sending of a processing is 1; rows that are sent again later go in a file of their own.
    t.integer('part').notNullable();
    t.text('lane').notNullable();
    t.text('name').notNullable().unique();
    t.text('format').notNullable();
    // The header, as a JSON array: settled once, so that a file made again after a crash is the same.
    t.text('columns').notNullable();
    t.text('state').notNullable();
    t.integer('rows');
    t.bigInteger('bytes');
    t.text('sha256');
    // Ids that the destination gave: of the file, and of the batch that reads it.
    t.text('file_id');
    t.text('batch_id');
    t.bigInteger('planned_at').notNullable();
    // When a request that must not be made twice was last begun.
    t.bigInteger('asked_at');
    t.bigInteger('uploaded_at');
    t.bigInteger('looked_at');
    t.bigInteger('ended_at');
    // What the destination said last, and what does not fit: JSON, for the report.
    t.text('status');
    t.text('notices');
    t.unique(['processing_id', 'part']);
    t.check(
      "state in ('claiming','planned','uploaded','started','answered','unanswered','refused','empty')",
      [],
      'upload_state',
    );
    t.check("state in ('claiming','empty') or (sha256 is not null and rows is not null)", [], 'upload_is_whole');
    t.index(['state']);
  });

  await knex.schema.createTable('upload_answers', (t) => {
    t.integer('upload_id').notNullable().references('uploads.id');
    t.text('path').notNullable();
    t.bigInteger('size').notNullable();
    t.bigInteger('mtime').notNullable();
    // Since when it has this size and time; when it was read, as it is now.
    t.bigInteger('stable_since').notNullable();
    t.bigInteger('applied_at');
    t.text('counts');
    t.primary(['upload_id', 'path']);
  });

  // The file that carries, or last carried, the row. Null on the lanes where each row is a request.
  await knex.schema.alterTable('deliveries', (t) => {
    t.integer('upload_id');
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
