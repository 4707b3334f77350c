import type { RunAccount } from '../model.ts';
import type { Ledger } from './open.ts';

/** Opens a run; `cause` is `schedule`, `catch-up`, `command` or `demo`. */
export function openRun(ledger: Ledger, job: string, cause: string, now: number): number {
  const made = ledger.db
    .prepare("INSERT INTO runs (job, cause, state, started_at) VALUES (?, ?, 'running', ?)")
    .run(job, cause, now);
  return Number(made.lastInsertRowid);
}

/** Ends a run with its account. `told`: the processings whose accounts it has added up. `owed`: its report is not published yet. */
export function closeRun(
  ledger: Ledger,
  run: number,
  account: RunAccount,
  told: readonly number[],
  owed: boolean,
  now: number,
): void {
  const { db } = ledger;
  const tell = db.prepare('UPDATE processings SET told = account WHERE id = ?');
  db.transaction(() => {
    db.prepare("UPDATE runs SET state = 'finished', ended_at = ?, account = ?, report_owed = ? WHERE id = ?").run(
      now,
      JSON.stringify(account),
      owed ? 1 : null,
      run,
    );
    for (const id of told) tell.run(id);
  }).immediate();
}

/** Finished runs of a job whose reports could not be published, oldest first. */
export function owedReports(ledger: Ledger, job: string): { run: number; account: RunAccount }[] {
  return ledger.db
    .prepare<[string], { id: number; account: string }>(
      "SELECT id, account FROM runs WHERE job = ? AND report_owed = 1 AND state = 'finished' ORDER BY id",
    )
    .all(job)
    .map(({ id, account }) => ({ run: id, account: JSON.parse(account) }));
}

export function reportIsOut(ledger: Ledger, run: number): void {
  ledger.db.prepare('UPDATE runs SET report_owed = NULL WHERE id = ?').run(run);
}

/** The newest run of a job; `undefined` where it never ran. */
export function newestRun({ db }: Pick<Ledger, 'db'>, job: string): number | undefined {
  return (
    db.prepare<[string], { id: number | null }>('SELECT max(id) AS id FROM runs WHERE job = ?').get(job)?.id ??
    undefined
  );
}

/** Ends a run that broke off: it has told nothing. */
export function interruptRun(ledger: Ledger, run: number, now: number): void {
  ledger.db.prepare("UPDATE runs SET state = 'interrupted', ended_at = ? WHERE id = ?").run(now, run);
}

/** Accounts of a job's finished runs that started in [from, to), oldest first; runs that saw nothing are left out. */
export function runAccounts(ledger: Ledger, job: string, from: number, to: number): RunAccount[] {
  return ledger.db
    .prepare<[string, number, number], { account: string }>(
      "SELECT account FROM runs WHERE job = ? AND started_at >= ? AND started_at < ? AND state = 'finished' ORDER BY id",
    )
    .all(job, from, to)
    .map((row): RunAccount => JSON.parse(row.account))
    .filter(({ files, exports = [], pushes = [] }) => files.length + exports.length + pushes.length > 0);
}
