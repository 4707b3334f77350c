import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { TransferError } from '../model.ts';
import { readManifest, syncFolder } from './backup.ts';
import { forgetEpoch } from './behind.ts';
import { takeLock } from './lock.ts';
import { inUse, MARKER, migrateLedger } from './open.ts';
import { ledgerProblem } from './problem.ts';

export interface RestoreOptions {
  /** Puts the backup in the place of a ledger that is there; that one is kept aside. */
  replace: boolean;
  /** Folder of staged files: ids that the lost time has used are not used again. */
  staging: string;
  now: number;
  crashPoint?: (name: string) => void;
}

export interface Restored {
  ledger: string;
  /** ISO 8601. What was done later is not in the backup. */
  madeAt: string;
  /** Where the ledger that was there is kept. */
  keptAs: string[];
}

/** Far beyond what any lost time has used; ids of files, and thus of attempts, are never used for two things. */
const ID_GAP = 10_000;

/**
 * Puts a backup in the ledger's place, whole or not at all. The copy is checked, brought to this version and marked as restored
 * before it gets its name: from its first moment as the ledger, it lets no job send before what happened since was looked at.
 * Throws `LEDGER_IN_USE`, `LEDGER_EXISTS`, `BACKUP_INVALID`, `LEDGER_NEWER`, `LEDGER_UNREADABLE`.
 */
export async function restoreLedger(path: string, backup: string, options: RestoreOptions): Promise<Restored> {
  if (!existsSync(backup) || !statSync(backup).isFile())
    throw invalid(backup, 'there is no such file', 'give the path of a backup: ledger-<id>-<time>.sqlite');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const lock = takeLock(`${path}.lock`);
  if (!lock) throw await inUse(path);
  const fresh = `${path}.restoring`;
  try {
    const there = existsSync(path) && statSync(path).size > 0;
    if (there && !options.replace)
      throw new TransferError('LEDGER_EXISTS', `there is a ledger already: ${path}`, {
        hint: 'if it is damaged or wrong, add --replace: it is kept aside under another name',
      });
    removeDatabase(fresh);
    const sha256 = await copyChecked(backup, fresh);
    const { id, madeAt } = await prepare(fresh, backup, sha256, options);
    refuseOther(path, id, options.replace);
    await syncFile(fresh);
    const keptAs = setAside(path, options.now);
    options.crashPoint?.('ledger-set-aside');
    forgetEpoch(path);
    renameSync(fresh, path);
    options.crashPoint?.('ledger-restored');
    writeFileSync(join(dirname(path), MARKER), `${id}\n`, { mode: 0o600, flush: true });
    await syncFolder(dirname(path));
    return { ledger: id, madeAt: new Date(madeAt).toISOString(), keptAs };
  } catch (error) {
    removeDatabase(fresh);
    throw ledgerProblem(error, backup);
  } finally {
    lock.release();
  }
}

/** Copies the backup and compares it with its manifest, where it has one. The backup itself is only read. */
async function copyChecked(backup: string, fresh: string): Promise<string> {
  const manifest = await readManifest(backup);
  const hash = createHash('sha256');
  const target = await open(fresh, 'wx', 0o600);
  try {
    for await (const chunk of createReadStream(backup)) {
      hash.update(chunk);
      await target.writeFile(chunk);
    }
    await target.sync();
  } finally {
    await target.close();
  }
  const sha256 = hash.digest('hex');
  if (manifest !== undefined && manifest.sha256 !== sha256)
    throw invalid(
      backup,
      `its sha256 is ${sha256}, its manifest says ${manifest.sha256}`,
      'it was damaged or changed since it was made: use another backup',
    );
  return sha256;
}

async function prepare(
  fresh: string,
  backup: string,
  sha256: string,
  { staging, now }: RestoreOptions,
): Promise<{ id: string; madeAt: number }> {
  const manifest = await readManifest(backup);
  checkIsLedger(fresh, backup);
  await migrateLedger(fresh);
  const db = new Database(fresh);
  try {
    db.pragma('journal_mode = DELETE');
    const row = db.prepare<[], { ledger_id: string }>('SELECT ledger_id FROM ledger').get();
    if (!row) throw invalid(backup, 'it has no identity', 'use another backup');
    const madeAt = manifest === undefined ? newestTime(db) : Date.parse(manifest.madeAt);
    db.transaction(() => markRestored(db, { madeAt, sha256, now, staging })).immediate();
    return { id: row.ledger_id, madeAt };
  } finally {
    db.close();
  }
}

function checkIsLedger(fresh: string, backup: string): void {
  const db = new Database(fresh);
  try {
    const known = db.prepare(
      "SELECT count(*) AS n FROM sqlite_master WHERE name IN ('ledger', 'deliveries', 'processings')",
    );
    const found = db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok') throw invalid(backup, `it is damaged: ${String(found)}`, 'use another backup');
    if (JSON.stringify(known.get()) !== '{"n":3}')
      throw invalid(backup, 'it is a database, but no ledger', 'use another file');
  } catch (error) {
    if (error instanceof Database.SqliteError) throw invalid(backup, error.message, 'use another file');
    throw error;
  } finally {
    db.close();
  }
}

/** Without a manifest: when the newest thing in it happened. */
function newestTime(db: Database.Database): number {
  const row = db
    .prepare<[], { at: number | null }>(
      `SELECT max(at) AS at FROM (SELECT max(started_at) AS at FROM runs UNION SELECT max(ended_at) FROM runs
         UNION SELECT max(opened_at) FROM processings UNION SELECT heartbeat_at FROM executor)`,
    )
    .get();
  return row?.at ?? 0;
}

/** Whole files whose rows have not left: a file in the lane batch leaves with its batch job. */
const NOT_SENT_YET = "(state IN ('claiming','planned') OR (state = 'uploaded' AND lane = 'batch'))";

/**
 * Files that were not through, and those with rows that somebody may have decided about since, are looked at anew: nothing of them
 * is sent before. Requests of then wait for nobody.
 */
function markRestored(
  db: Database.Database,
  { madeAt, sha256, now, staging }: { madeAt: number; sha256: string; now: number; staging: string },
): void {
  db.prepare('INSERT INTO restores (backup_made_at, backup_sha256, restored_at) VALUES (?, ?, ?)').run(
    madeAt,
    sha256,
    now,
  );
  db.prepare(
    `UPDATE processings SET restored = 1, settled_at = NULL WHERE repeat_of IS NULL AND pruned_at IS NULL AND state <> 'vanished'
       AND (state <> 'closed' OR json_extract(refusal, '$.verdict') = 'held' OR json_extract(account, '$.counts.held') > 0
         OR json_extract(account, '$.counts.conflict') > 0 OR json_extract(account, '$.counts.failed') > 0
         OR id IN (SELECT processing_id FROM uploads WHERE ${NOT_SENT_YET}))
       AND coalesce(json_extract(refusal, '$.verdict'), '') <> 'refused'`,
  ).run();
  // A whole file that had not left may have left since: it never leaves from here, and an answer to it still counts.
  db.prepare(
    `UPDATE uploads SET state = CASE lane WHEN 'sftp' THEN 'unanswered' ELSE 'refused' END, status = 'LEDGER_RESTORED',
       uploaded_at = coalesce(uploaded_at, ?), ended_at = ?, "rows" = coalesce("rows", 0), sha256 = coalesce(sha256, '')
     WHERE ${NOT_SENT_YET}`,
  ).run(now, now);
  db.exec('DELETE FROM requests WHERE answered_at IS NULL');
  const used = existsSync(staging) ? readdirSync(staging).map((name) => Number(/^p(\d+)$/.exec(name)?.[1] ?? 0)) : [];
  for (const table of ['processings', 'runs', 'files']) {
    const newest = db.prepare<[], { id: number | null }>(`SELECT max(id) AS id FROM ${table}`).get()?.id ?? 0;
    const next = Math.ceil((Math.max(newest, ...used) + ID_GAP) / ID_GAP) * ID_GAP;
    db.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
    db.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, next);
  }
}

/** The backup of another ledger knows nothing of what this one has delivered. */
function refuseOther(path: string, id: string, replace: boolean): void {
  const marker = join(dirname(path), MARKER);
  const there = existsSync(marker) ? readFileSync(marker, 'utf8').trim() : id;
  if (there === id || replace) return;
  throw new TransferError('LEDGER_EXISTS', `the backup is of the ledger ${id}; here was the ledger ${there}`, {
    hint: 'take a backup of the same ledger; or, if this one is to take its place, add --replace',
  });
}

/** Renames a ledger out of the way, with what belongs to it. The database goes first: without it, nothing starts on what is left. */
function setAside(path: string, now: number): string[] {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
  const aside = `${path.replace(/\.sqlite$/, '')}.replaced-${stamp}.sqlite`;
  const kept: string[] = [];
  for (const part of ['', '-wal', '-shm']) {
    if (!existsSync(path + part)) continue;
    renameSync(path + part, aside + part);
    if (part === '') kept.push(aside);
  }
  return kept;
}

function removeDatabase(path: string): void {
  for (const part of ['', '-journal', '-wal', '-shm']) rmSync(path + part, { force: true });
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function invalid(backup: string, what: string, hint: string): TransferError {
  return new TransferError('BACKUP_INVALID', `${basename(backup)}: ${what}`, { hint });
}
