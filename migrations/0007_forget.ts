import type { Knex } from 'knex';

/** What of a delivery is not final: the text of its key and the words about it, which a person may ask us to forget. */
const FORGETTABLE = new Set(['key', 'reason']);

/** Delivered stays final, and the hash of a key is never changed; its text may go. */
export async function up(knex: Knex): Promise<void> {
  const pg = knex.client.config.client === 'pg';
  const names = Object.keys(await knex('deliveries').columnInfo());
  const generated = new Set(['processing_id', 'line']);
  const columns = names.filter((name) => !FORGETTABLE.has(name) && !generated.has(name)).join(', ');
  await knex.raw(`DROP TRIGGER delivered_is_final${pg ? ' ON deliveries' : ''}`);
  const body = pg
    ? "FOR EACH ROW WHEN (OLD.state = 'delivered') EXECUTE FUNCTION delivered_is_final()"
    : "WHEN OLD.state = 'delivered' BEGIN SELECT RAISE(ABORT, 'delivered is final'); END";
  await knex.raw(`CREATE TRIGGER delivered_is_final BEFORE UPDATE OF ${columns} ON deliveries ${body}`);
}

export async function down(): Promise<void> {
  throw new Error('the ledger only moves forward: restore a backup to go back');
}
