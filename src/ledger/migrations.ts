import { readdir } from 'node:fs/promises';
import type { Knex } from 'knex';

const FOLDER = new URL('../../migrations/', import.meta.url);
/** Names without their ending, so that a ledger made from the sources and one made from the package agree. */
const NUMBERED = /^(\d{4}_[a-z0-9_]+)\.(?:ts|js)$/;

const files = async (): Promise<string[]> => (await readdir(FOLDER)).filter((file) => NUMBERED.test(file)).sort();
const nameOf = (file: string): string => file.replace(NUMBERED, '$1');

/** The numbered files of `migrations/`, as knex wants them. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: files,
  getMigrationName: nameOf,
  getMigration: (file) => import(new URL(file, FOLDER).href),
};

/** The names under which knex remembers them, in order. */
export async function migrationNames(): Promise<string[]> {
  return (await files()).map(nameOf);
}
