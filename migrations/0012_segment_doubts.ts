import type { Knex } from 'knex';

/** Members of whom nobody knows whether their last change was made, after it was given up: the next sync asks for what it says of them, whatever is confirmed. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('segment_doubts', (t) => {
    t.integer('segment_id').notNullable().references('segments.id');
    t.integer('part').notNullable();
    t.text('member').notNullable();
    t.primary(['segment_id', 'part', 'member']);
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
