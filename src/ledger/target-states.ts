import type { ExportAccount, PushAccount } from '../accounts.ts';
import { hasTable } from './has-table.ts';
import type { Ledger } from './open.ts';
import { FAILED_TOO_LONG } from './push-again.ts';

/** What an export or a push of a job has come to. Times are milliseconds since 1970. */
export interface TargetState {
  kind: 'export' | 'push';
  target: string;
  /** When it was last given something; null: never. */
  lastAt: number | null;
  /** Rows of the last file, or profiles of the last pass. */
  rows: number;
  /** Profiles that failed in the last pass: the next run tries again. */
  failed: number;
  rejected: number;
  /** Profiles that failed for too long: they wait for a person, or for a change. */
  givenUp: number;
  /** A person has to let the export go. */
  held: { id: number; code: string; rows: number } | null;
  /** Planned and not in place yet, or a pass that is not through. */
  open: boolean;
  /** Why it is open; empty where nothing stopped it. */
  code: string;
}

type Reading = Pick<Ledger, 'db'>;

/** The targets of each job that the ledger knows, by name. Only reads; a ledger that no newer version has executed on has none. */
export function targetStates({ db }: Reading, job: string): TargetState[] {
  if (!hasTable({ db }, 'push_rows')) return [];
  const exports = db
    .prepare<[string], { target: string; newest: number; lastAt: number | null }>(
      `SELECT target, max(CASE WHEN state <> 'withdrawn' THEN id END) AS newest, max(published_at) AS lastAt
       FROM exports WHERE job = ? GROUP BY target ORDER BY target`,
    )
    .all(job);
  const one = db.prepare<[number], { id: number; state: string; code: string; rows: number }>(
    'SELECT id, state, code, rows FROM exports WHERE id = ?',
  );
  const lastRows = db.prepare<[string, string], { rows: number }>(
    "SELECT rows FROM exports WHERE job = ? AND target = ? AND state = 'published' ORDER BY id DESC LIMIT 1",
  );
  const exported = exports.map(({ target, newest, lastAt }): TargetState => {
    const now = one.get(newest);
    const held = now?.state === 'held' ? { id: now.id, code: now.code, rows: now.rows } : null;
    const open = now?.state === 'planned' || now?.state === 'out';
    const rows = lastRows.get(job, target)?.rows ?? 0;
    const code = open ? (now?.code ?? '') : '';
    return { kind: 'export', target, lastAt, rows, failed: 0, rejected: 0, givenUp: 0, held, open, code };
  });
  return [...exported, ...pushed({ db }, job)];
}

function pushed({ db }: Reading, job: string): TargetState[] {
  const targets = db
    .prepare<[string], { id: number; target: string }>(
      'SELECT max(id) AS id, target FROM push_targets WHERE job = ? GROUP BY target ORDER BY target',
    )
    .all(job);
  const newest = db.prepare<[number], { state: string; code: string }>(
    'SELECT state, code FROM pushes WHERE push_target_id = ? ORDER BY id DESC LIMIT 1',
  );
  const closed = db.prepare<[number], { account: string; endedAt: number }>(
    "SELECT account, ended_at AS endedAt FROM pushes WHERE push_target_id = ? AND state = 'closed' ORDER BY id DESC LIMIT 1",
  );
  const failing = db.prepare<[number], { n: number }>(
    "SELECT count(*) AS n FROM push_rows WHERE push_target_id = ? AND outcome = 'failed'",
  );
  const lost = db.prepare<[number], { n: number }>(
    `SELECT count(*) AS n FROM push_rows WHERE push_target_id = ? AND outcome = 'rejected' AND code = '${FAILED_TOO_LONG}'`,
  );
  return targets.map(({ id, target }): TargetState => {
    const now = newest.get(id);
    const last = closed.get(id);
    const account: PushAccount | undefined = last && JSON.parse(last.account);
    const { read = 0, rejected = 0 } = account?.counts ?? {};
    const same = { lastAt: last?.endedAt ?? null, rows: read, failed: failing.get(id)?.n ?? 0, rejected, held: null };
    const open = now?.state === 'open';
    return { kind: 'push', target, ...same, givenUp: lost.get(id)?.n ?? 0, open, code: open ? (now?.code ?? '') : '' };
  });
}

/** Targets that the newest run which came to them could not bring on: name and why. */
export function stuckTargets(
  { db }: Reading,
  job: string,
): { kind: 'export' | 'push'; target: string; code: string }[] {
  const row = db
    .prepare<[string], { exports: string | null; pushes: string | null }>(
      `SELECT json_extract(account, '$.exports') AS exports, json_extract(account, '$.pushes') AS pushes FROM runs
       WHERE job = ? AND state = 'finished' AND coalesce(json_extract(account, '$.exports'), json_extract(account, '$.pushes')) IS NOT NULL
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
  const exports: ExportAccount[] = JSON.parse(row?.exports ?? '[]');
  const pushes: PushAccount[] = JSON.parse(row?.pushes ?? '[]');
  const found = [
    ...exports.map(({ target, state, why }) => ({ kind: 'export' as const, target, state, code: why?.code ?? '' })),
    ...pushes.map(({ target, state, why }) => ({ kind: 'push' as const, target, state, code: why?.code ?? '' })),
  ];
  return found.filter(({ state }) => state === 'open').map(({ kind, target, code }) => ({ kind, target, code }));
}
