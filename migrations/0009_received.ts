import type { Knex } from 'knex';

/** What others post to the listener and is not used up at once: pages of members that a segment gained and lost. */
export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('received_pages', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    // The provider's number of the segment, as text.
    t.text('segment').notNullable();
    t.text('segment_name').notNullable();
    // sync: some gained, some lost. drain: the segment is gone, and with it everybody in it.
    t.text('kind').notNullable();
    t.text('task').notNullable();
    // When the provider began the task: of two, the later one says who is in the segment, in whatever order they come.
    t.bigInteger('task_at').notNullable();
    t.bigInteger('page').notNullable();
    t.bigInteger('pages').notNullable();
    // Of what is in it: a page that comes again is known, another one under its number is not.
    t.text('content').notNullable();
    t.integer('adds').notNullable();
    t.integer('removes').notNullable();
    // Members whose id could not be read: they are in no list.
    t.integer('rejected').notNullable();
    t.bigInteger('received_at').notNullable();
    t.bigInteger('taken_up_at');
    t.unique(['job', 'segment', 'task', 'page', 'content']);
    t.index(['job', 'taken_up_at']);
    t.index(['taken_up_at']);
    t.check("kind in ('sync','drain')", [], 'kind_of_page');
  });

  await knex.schema.createTable('received_members', (t) => {
    t.integer('page_id').notNullable().references('received_pages.id').onDelete('CASCADE');
    t.text('member').notNullable();
    t.integer('removed').notNullable();
    t.index(['page_id']);
    t.check('removed in (0, 1)', [], 'removed_or_added');
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
