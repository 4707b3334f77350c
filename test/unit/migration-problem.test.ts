import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrationProblem } from '../../src/ledger/migration-problem.ts';

test('where the ledger cannot be looked at after a step failed, the error of the step is told, not that of the look', async () => {
  const error = new Database.SqliteError('no such column: x', 'SQLITE_ERROR');
  expect(await migrationProblem(error, '/nowhere/ledger.db')).toBe(error);
});
