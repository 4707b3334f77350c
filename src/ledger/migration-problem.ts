import Database from 'better-sqlite3';
import { TransferError } from '../model.ts';
import { hasTable } from './has-table.ts';
import { migrationNames } from './migrations.ts';

/** What a statement of ours can run into on a disk and in a file that are in order. */
const OF_STATEMENT = /^SQLITE_(?:ERROR|CONSTRAINT|MISMATCH|SCHEMA|TOOBIG|RANGE)/;

/** Why a ledger could not be brought to this version: the step that failed, where neither its disk nor its file is to blame. */
export async function migrationProblem(error: unknown, path: string): Promise<unknown> {
  if (error instanceof TransferError || !(error instanceof Error)) return error;
  if (error instanceof Database.SqliteError && !OF_STATEMENT.test(error.code)) return error;
  // Of this machine: a file that is missing, a disk that is full.
  if ('syscall' in error) return error;
  // Where the file cannot be looked at, the error itself says more.
  const steps = await stepsOf(path).catch(() => undefined);
  if (!steps) return error;
  const { done, failed } = steps;
  const before = done === undefined ? 'it is as it was' : `all up to ${done} are done`;
  return new TransferError(
    'LEDGER_MIGRATION_FAILED',
    `the ledger ${path} could not be brought to this version: the step ${failed} failed, and nothing of it was kept; ${before}: ${wordsOf(error)}`,
    {
      hint: 'nothing is lost. Install the version that ran before, and start that; where it says LEDGER_NEWER, referry restore --replace the backup that was made before the upgrade',
      cause: error,
    },
  );
}

/** Each step is a transaction of its own, so that the first one that is missing is the one that failed. */
async function stepsOf(path: string): Promise<{ done?: string; failed: string }> {
  const db = new Database(path, { readonly: true });
  try {
    const rows = hasTable({ db }, 'knex_migrations')
      ? db.prepare<[], { name: string }>('SELECT name FROM knex_migrations ORDER BY name').all()
      : [];
    const known = new Set(rows.map(({ name }) => name));
    const failed = (await migrationNames()).find((name) => !known.has(name)) ?? 'after the last one';
    const done = rows.at(-1)?.name;
    return done === undefined ? { failed } : { done, failed };
  } finally {
    db.close();
  }
}

/** Knex puts the statement before the message; of a long one the end says what was wrong. */
function wordsOf({ message }: Error): string {
  const [line = ''] = message.split('\n').slice(-1);
  return line.length > 300 ? `…${line.slice(-300)}` : line;
}
