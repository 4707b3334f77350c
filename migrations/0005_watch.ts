import type { Knex } from 'knex';

/** Expected files, what people were told and what is still to be told, and which morning reports are out. */
export async function up(knex: Knex): Promise<void> {
  // What was found to be unusual about a day's file; open while `solved_at` is null. `subject`: the processing, where one is meant.
  await knex.schema.createTable('expectations', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('day').notNullable();
    t.text('state').notNullable();
    t.text('subject').notNullable();
    t.bigInteger('since').notNullable();
    t.bigInteger('solved_at');
    // Whether something came that put it right, or its time was over.
    t.text('ended');
    t.text('detail').notNullable();
    t.check("state in ('late','missing','early','too-small','too-large','sequence-gap')", [], 'expectation_state');
    t.check('(solved_at is null) = (ended is null)', [], 'solved_how');
    t.unique(['job', 'day', 'state', 'subject']);
  });

  await knex.schema.createTable('notices', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('kind').notNullable();
    t.text('subject').notNullable();
    t.text('detail').notNullable();
    t.bigInteger('opened_at').notNullable();
    t.bigInteger('solved_at');
    t.index(['job', 'id']);
  });
  // Each thing is told once while it lasts: settled by the database, not by a look before.
  await knex.raw('CREATE UNIQUE INDEX one_open_notice ON notices (job, kind, subject) WHERE solved_at IS NULL');

  // One message to one channel. `notice_id` is null for a summary.
  await knex.schema.createTable('notice_messages', (t) => {
    t.increments('id');
    t.integer('notice_id').references('notices.id');
    t.text('job').notNullable();
    t.text('channel').notNullable();
    t.text('phase').notNullable();
    t.text('state').notNullable();
    t.text('body').notNullable();
    t.integer('attempts').notNullable().defaultTo(0);
    t.bigInteger('planned_at').notNullable();
    t.bigInteger('next_at').notNullable();
    t.bigInteger('ended_at');
    t.text('problem');
    t.check("phase in ('opened','solved','summary')", [], 'message_phase');
    t.check("state in ('planned','sent','folded','dropped')", [], 'message_state');
    t.unique(['notice_id', 'channel', 'phase']);
    t.index(['channel', 'state', 'id']);
  });

  // Where a look has got to, by job: milliseconds since 1970, or the number of a run.
  await knex.schema.createTable('watch_marks', (t) => {
    t.text('job').notNullable();
    t.text('name').notNullable();
    t.bigInteger('value').notNullable();
    t.primary(['job', 'name']);
  });

  // Both are asked for each minute, and stand in a row behind its account, which may be long.
  await knex.schema.alterTable('processings', (t) => {
    t.index(['job', 'opened_at']);
    t.index(['job', 'closed_at']);
  });

  await knex.schema.createTable('morning_reports', (t) => {
    t.text('job').notNullable();
    t.bigInteger('due_at').notNullable();
    t.text('day').notNullable();
    t.integer('attempts').notNullable().defaultTo(0);
    t.bigInteger('next_at').notNullable();
    t.bigInteger('published_at');
    t.text('published_as');
    t.primary(['job', 'due_at']);
  });
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
