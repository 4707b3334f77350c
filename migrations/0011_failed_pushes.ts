import type { Knex } from 'knex';

/** Since when a pushed profile has failed: after `failed.maxAge` it is given up. */
export async function up(knex: Knex): Promise<void> {
  // Milliseconds since 1970; 0 where it did not fail, and where it is to be sent again for another reason.
  await knex.schema.alterTable('push_rows', (t) => {
    t.bigInteger('failed_at').notNullable().defaultTo(0);
  });
  await knex.raw("UPDATE push_rows SET failed_at = at WHERE outcome = 'failed'");
  await knex.raw(
    "CREATE INDEX push_rows_given_up ON push_rows (push_target_id, link_id) WHERE code = 'FAILED_TOO_LONG'",
  );
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
