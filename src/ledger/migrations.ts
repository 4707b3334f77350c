import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';

const FOLDER = new URL('../../migrations/', import.meta.url);
/** Names without their ending, so that a ledger made from the sources and one made from the package agree. */
const NUMBERED = /^(\d{4}_[a-z0-9_]+)\.(?:ts|js)$/;

/** The numbered files of `migrations/`, as knex wants them. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => (await readdir(FOLDER)).filter((file) => NUMBERED.test(file)).sort(),
  getMigrationName: (file) => file.replace(NUMBERED, '$1'),
  getMigration: (file) => import(new URL(file, FOLDER).href),
};
