import type { Knex } from 'knex';

/** The ledger of links: which share link a person has. */
export async function up(knex: Knex): Promise<void> {
  // The key of a link is the person: the lower-cased e-mail, else the company's own id. Nothing else of a customer is kept.
  await knex.schema.createTable('links', (t) => {
    t.increments('id');
    t.integer('destination_id').notNullable().references('destinations.id');
    // Lower case: two labels that differ in nothing else are a mistake.
    t.text('label').notNullable();
    t.text('person').notNullable();
    t.text('email');
    t.text('partner_user_id');
    // Extole's id; empty where nobody has told it.
    t.text('person_id').notNullable();
    t.text('link').notNullable();
    t.text('code').notNullable();
    t.text('key').notNullable();
    t.text('came_by').notNullable();
    // Grows with each change that others must hear of; no number is given twice.
    t.bigInteger('seq').notNullable();
    // When the link was so, as its source tells it: of two, the later one stands, in whatever order they come.
    t.bigInteger('as_of').notNullable();
    t.bigInteger('first_at').notNullable();
    t.bigInteger('seen_at').notNullable();
    t.unique(['destination_id', 'label', 'person']);
    t.index(['destination_id', 'label', 'seq']);
    t.index(['destination_id', 'label', 'partner_user_id']);
    t.index(['destination_id', 'label', 'person_id']);
    t.check('coalesce(email, partner_user_id) = person', [], 'person_of_link');
    t.check("came_by in ('created','adopted','webhook','report')", [], 'link_came_by');
  });

  // Not the highest number that is there: a person who is forgotten takes a number along, which must not come again.
  await knex.schema.createTable('link_numbers', (t) => {
    t.integer('id').primary();
    t.bigInteger('seq').notNullable();
    t.check('id = 1', [], 'one_link_number');
  });
  await knex('link_numbers').insert({ id: 1, seq: 0 });

  // How many delivered rows of a file of another job were taken for customers already: delivered is final, so it only grows.
  await knex.schema.createTable('link_sources', (t) => {
    t.text('job').notNullable();
    t.integer('processing_id').notNullable().references('processings.id');
    t.bigInteger('delivered').notNullable();
    // The newest answer among them: what was answered later was not taken.
    t.bigInteger('answered_to').notNullable();
    t.primary(['job', 'processing_id']);
  });

  // Reports of links that Extole was asked for: which one is waited for, and what the last one held.
  await knex.schema.createTable('link_reports', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('name').notNullable().unique();
    t.text('report_id');
    t.text('state').notNullable();
    t.bigInteger('asked_at').notNullable();
    t.bigInteger('ended_at');
    t.text('counts');
    t.check("state in ('asked','read','failed')", [], 'link_report_state');
    t.index(['job', 'id']);
  });

  // A file for import, of one target of one job. What a target has had is told by its newest published row.
  await knex.schema.createTable('exports', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('target').notNullable();
    t.text('format').notNullable();
    t.text('kind').notNullable();
    // planned: its files are whole on this machine; out: they are in place, and an import of them is followed; released: a person let it
    // go, and it is made anew; withdrawn: it was never put in place, and a later one took its place.
    t.text('state').notNullable();
    // Hash of what decides about its contents: other settings make another file of the same links.
    t.text('settings').notNullable();
    t.bigInteger('made_at').notNullable();
    t.bigInteger('since_at');
    t.bigInteger('seq_from').notNullable();
    t.bigInteger('seq_to').notNullable();
    t.integer('links').notNullable();
    t.integer('read').notNullable();
    t.integer('rows').notNullable();
    t.bigInteger('bytes').notNullable();
    t.text('left_out').notNullable();
    // Name, rows, size and SHA-256 of each, and what it is called in place once it is there.
    t.text('files').notNullable();
    t.text('place').notNullable();
    t.text('import_id').notNullable().defaultTo('');
    t.text('ended').notNullable().defaultTo('');
    t.text('code').notNullable().defaultTo('');
    t.text('reason').notNullable().defaultTo('');
    t.bigInteger('published_at');
    t.index(['job', 'target', 'id']);
    t.check("state in ('planned','out','published','held','released','withdrawn')", [], 'state_of_export');
    t.check("kind in ('snapshot','changes')", [], 'kind_of_export');
  });

  // Where profiles are pushed: a target of a job, at one account.
  await knex.schema.createTable('push_targets', (t) => {
    t.increments('id');
    t.text('job').notNullable();
    t.text('target').notNullable();
    t.integer('destination_id').notNullable().references('destinations.id');
    // Hash of what decides about the fields; with another one everybody is looked at again.
    t.text('settings').notNullable().defaultTo('');
    // Links with a higher seq were not looked at yet.
    t.bigInteger('seq').notNullable().defaultTo(0);
    t.unique(['job', 'target', 'destination_id']);
  });

  // One pass over the links that changed. It stays open until each has an outcome, over several runs where it must.
  await knex.schema.createTable('pushes', (t) => {
    t.increments('id');
    t.integer('push_target_id').notNullable().references('push_targets.id');
    t.text('state').notNullable();
    t.integer('whole').notNullable();
    t.text('settings').notNullable();
    t.bigInteger('seq_from').notNullable();
    t.bigInteger('seq_to').notNullable();
    t.bigInteger('started_at').notNullable();
    t.bigInteger('ended_at');
    t.text('code').notNullable().defaultTo('');
    t.text('reason').notNullable().defaultTo('');
    t.text('account').notNullable().defaultTo('');
    t.text('results_path').notNullable().defaultTo('');
    t.index(['push_target_id', 'id']);
    t.check("state in ('open','closed')", [], 'state_of_push');
  });

  // What a person was last given, and what came of it. A link that goes takes this along.
  await knex.schema.createTable('push_rows', (t) => {
    t.integer('push_target_id').notNullable().references('push_targets.id');
    t.integer('link_id').notNullable().references('links.id').onDelete('CASCADE');
    t.integer('push_id').notNullable();
    // Keyed hash of identifiers and fields.
    t.text('hash').notNullable();
    t.text('outcome').notNullable();
    t.text('code').notNullable();
    t.text('reason').notNullable();
    t.text('event_id').notNullable();
    t.integer('attempts').notNullable();
    t.bigInteger('at').notNullable();
    t.primary(['push_target_id', 'link_id']);
    t.index(['push_id', 'link_id']);
    t.index('link_id');
    t.check("outcome in ('delivered','duplicate','rejected','failed','held')", [], 'outcome_of_push');
  });
  await knex.raw("CREATE INDEX push_rows_failed ON push_rows (push_target_id, link_id) WHERE outcome = 'failed'");

  await letLinksBeForgotten(knex);
}

/**
 * A delivered row says in `event_id` which link a person got, and that may hold a name. Delivered stays final, but that it may be
 * emptied, with all else as it was. One trigger, that it costs a row on its way nothing.
 */
async function letLinksBeForgotten(knex: Knex): Promise<void> {
  const pg = knex.client.config.client === 'pg';
  const free = new Set(['key', 'reason', 'processing_id', 'line']);
  const columns = Object.keys(await knex('deliveries').columnInfo()).filter((name) => !free.has(name));
  const same = columns
    .filter((name) => name !== 'event_id')
    .map((name) => `NEW.${name} IS NOT DISTINCT FROM OLD.${name}`);
  const when = `OLD.state = 'delivered' AND NOT (NEW.event_id = '' AND ${same.join(' AND ')})`;
  const body = pg
    ? `FOR EACH ROW WHEN (${when}) EXECUTE FUNCTION delivered_is_final()`
    : `WHEN ${when} BEGIN SELECT RAISE(ABORT, 'delivered is final'); END`;
  await knex.raw(`DROP TRIGGER delivered_is_final${pg ? ' ON deliveries' : ''}`);
  await knex.raw(`CREATE TRIGGER delivered_is_final BEFORE UPDATE OF ${columns.join(', ')} ON deliveries ${body}`);
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
