import type { ExportAccount, PushAccount } from '../accounts.ts';
import type { DestinationIdentity } from '../model.ts';
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

/** The targets that a job file names, and where each push goes. */
export interface NamedTargets {
  exports: readonly string[];
  pushes: readonly { target: string; place: DestinationIdentity }[];
  /** Whose links the pushes give, and of which label. Of others nothing is tried any more. */
  links?: { place: DestinationIdentity; label: string };
}

/**
 * What the ledger knows of the targets of a job, by name: of those that are named, and of exports that a person has to let go; absent, since
 * the job file cannot be read: of all. Only reads; a ledger that no newer version has executed on has none.
 */
export function targetStates({ db }: Reading, job: string, named?: NamedTargets): TargetState[] {
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
  const current = exported.filter(({ target, held }) => held || !named || named.exports.includes(target));
  return [...current, ...pushed({ db }, job, named)];
}

/** At the accounts that are named, else at the one that was last pushed to. */
function placesOf({ db }: Reading, job: string, named: NamedTargets | undefined): { id: number; target: string }[] {
  if (!named)
    return db
      .prepare<[string], { id: number; target: string }>(
        `SELECT id, target FROM (SELECT t.id, t.target, row_number() OVER (PARTITION BY t.target ORDER BY
           (SELECT max(p.id) FROM pushes p WHERE p.push_target_id = t.id) DESC, t.id DESC) AS place
         FROM push_targets t WHERE t.job = ?) WHERE place = 1 ORDER BY target`,
      )
      .all(job);
  const one = db.prepare<string[], { id: number; target: string }>(
    `SELECT t.id, t.target FROM push_targets t JOIN destinations d ON d.id = t.destination_id
     WHERE t.job = ? AND t.target = ? AND d.provider = ? AND d.account = ? AND d.container = ?`,
  );
  return named.pushes.flatMap(({ target, place }) => {
    return one.get(job, target, place.provider, place.account, place.container) ?? [];
  });
}

function pushed({ db }: Reading, job: string, named: NamedTargets | undefined): TargetState[] {
  const newest = db.prepare<[number], { state: string; code: string }>(
    'SELECT state, code FROM pushes WHERE push_target_id = ? ORDER BY id DESC LIMIT 1',
  );
  const closed = db.prepare<[number], { account: string; endedAt: number }>(
    "SELECT account, ended_at AS endedAt FROM pushes WHERE push_target_id = ? AND state = 'closed' ORDER BY id DESC LIMIT 1",
  );
  const links = named?.links;
  const ofLinks = links
    ? `AND EXISTS (SELECT 1 FROM links l JOIN destinations d ON d.id = l.destination_id
         WHERE l.id = link_id AND l.label = ? AND d.provider = ? AND d.account = ? AND d.container = ?)`
    : '';
  const place = links
    ? [links.label.toLowerCase(), links.place.provider, links.place.account, links.place.container]
    : [];
  const rowsThat = (are: string) => {
    const count = db.prepare<[number, ...string[]], { n: number }>(
      `SELECT count(*) AS n FROM push_rows WHERE push_target_id = ? AND ${are} ${ofLinks}`,
    );
    return (target: number): number => count.get(target, ...place)?.n ?? 0;
  };
  const failing = rowsThat("outcome = 'failed'");
  const lost = rowsThat(`outcome = 'rejected' AND code = '${FAILED_TOO_LONG}'`);
  return placesOf({ db }, job, named).map(({ id, target }): TargetState => {
    const now = newest.get(id);
    const last = closed.get(id);
    const account: PushAccount | undefined = last && JSON.parse(last.account);
    const { read = 0, rejected = 0 } = account?.counts ?? {};
    const same = { lastAt: last?.endedAt ?? null, rows: read, failed: failing(id), rejected, held: null };
    const open = now?.state === 'open';
    return { kind: 'push', target, ...same, givenUp: lost(id), open, code: open ? (now?.code ?? '') : '' };
  });
}

/** A target that the newest run which came to it could not bring on. */
interface StuckTarget {
  kind: 'export' | 'push';
  target: string;
  /** Why. */
  code: string;
  /** When the push that is open began, milliseconds since 1970. */
  since?: number;
}

/** Of the targets that are named, those that are stuck. */
export function stuckTargets({ db }: Reading, job: string, named: NamedTargets): StuckTarget[] {
  const row = db
    .prepare<[string], { exports: string | null; pushes: string | null }>(
      `SELECT json_extract(account, '$.exports') AS exports, json_extract(account, '$.pushes') AS pushes FROM runs
       WHERE job = ? AND state = 'finished' AND coalesce(json_extract(account, '$.exports'), json_extract(account, '$.pushes')) IS NOT NULL
       ORDER BY id DESC LIMIT 1`,
    )
    .get(job);
  const exports: ExportAccount[] = JSON.parse(row?.exports ?? '[]');
  const pushes: PushAccount[] = JSON.parse(row?.pushes ?? '[]');
  const isPushed = (of: PushAccount): boolean =>
    named.pushes.some(
      ({ target, place }) => target === of.target && place.provider === of.provider && place.account === of.account,
    );
  const begun = db.prepare<[number], { at: number }>('SELECT started_at AS at FROM pushes WHERE id = ?');
  const found = [
    ...exports
      .filter(({ target }) => named.exports.includes(target))
      .map(({ target, state, why }) => ({ kind: 'export' as const, target, state, code: why?.code ?? '' })),
    ...pushes.filter(isPushed).map(({ push, target, state, why }) => {
      const at = begun.get(Number(push.slice(1)))?.at;
      return {
        kind: 'push' as const,
        target,
        state,
        code: why?.code ?? '',
        ...(at === undefined ? {} : { since: at }),
      };
    }),
  ];
  return found.filter(({ state }) => state === 'open').map(({ state: _, ...stuck }) => stuck);
}
