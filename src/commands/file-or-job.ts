import { heldExports } from '../ledger/exports.ts';
import { findFile } from '../ledger/known-files.ts';
import type { Ledger } from '../ledger/open.ts';
import { lineOption, type Scope, usage } from './decide.ts';

/** What is meant by an argument that may be a job's id or a file. `needsFile`: a line was given, which is of one file. */
function fileOrJob(ledger: Ledger, said: string, needsFile: boolean): { job: string; processingId?: number } {
  const job = ledger.db.prepare('SELECT 1 FROM processings WHERE job = ? LIMIT 1').get(said);
  if (job && needsFile)
    throw usage(`--line is of one file, and ${said} is a job`, `referry held ${said} lists its files`);
  if (job) return { job: said };
  const file = findFile(ledger, said);
  return { job: file.job, processingId: file.processing };
}

/** What `--code` and `--line` leave of a file or a job. */
export function scopeOf(ledger: Ledger, said: string, { code, line }: { code?: string; line?: string }): Scope {
  return {
    ...fileOrJob(ledger, said, line !== undefined),
    ...(code === undefined ? {} : { code }),
    ...lineOption(line),
  };
}

/** An export that waits, where `e12` is said and no job is called so. */
export function exportOr(ledger: Ledger, said: string): Scope | undefined {
  if (!/^e\d{1,9}$/.test(said)) return undefined;
  if (ledger.db.prepare('SELECT 1 FROM processings WHERE job = ? LIMIT 1').get(said)) return undefined;
  const held = heldExports(ledger).find(({ id }) => `e${id}` === said);
  if (!held) throw usage(`no export ${said} waits for anybody`, 'referry held lists what waits');
  return { job: held.job, exportId: held.id };
}
