import type { Ledger } from './open.ts';

/** Whether the ledger has a table: reading never migrates, so that one on which no newer version has executed is looked at as it is. */
export function hasTable({ db }: Pick<Ledger, 'db'>, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;
}
