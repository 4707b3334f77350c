import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type Io, TransferError } from '../model.ts';
import { refuseBehind, rememberEpoch } from './behind.ts';
import { refuseNetwork } from './disk.ts';
import { hasTable } from './has-table.ts';
import { type ExecutorLock, takeLock } from './lock.ts';
import { migrationProblem } from './migration-problem.ts';
import { migrationNames, migrationSource } from './migrations.ts';
import { openingProblem } from './problem.ts';
import { sweepOrphans } from './sweep.ts';

/** An open ledger; its writes are synchronous transactions. */
export interface Ledger {
  path: string;
  /** Names this ledger in file names and footers. */
  id: string;
  /** Secret of this ledger: content hashes cannot be guessed back without it. */
  hashKey: Buffer;
  db: Database.Database;
  /** Fences out a process that lost the lock: every writing transaction checks it. */
  epoch: number;
  close(): Promise<void>;
}

export type ExecutorKind = 'daemon' | 'command';

export interface Holder {
  kind: string;
  host: string;
  pid: number;
  startedAt: number;
}

/** Says beside the ledger that there is one, so that its loss is noticed. */
export const MARKER = 'ledger.id';

/**
 * Opens the ledger to execute. Throws `LEDGER_IN_USE` naming the holder, `LEDGER_MISSING`, `LEDGER_BEHIND`, `LEDGER_UNREADABLE`, `LEDGER_FULL`,
 * `LEDGER_NOT_WRITABLE`, `LEDGER_NEWER`, `LEDGER_MIGRATION_FAILED`.
 */
export async function openLedger(path: string, kind: ExecutorKind, io: Io): Promise<Ledger> {
  const lock = lockOf(path);
  if (!lock) throw await inUse(path);
  try {
    refuseMissing(path);
    const isNew = !existsSync(path);
    const db = openDatabase(path);
    if (!isNew && endedBadly(db)) checkIntegrity(db, path);
    refuseBehind(db, path);
    if (!(await isMigrated(db))) await migrateLedger(path);
    db.pragma('synchronous = FULL');
    const epoch = db.transaction(() => takeOver(db, kind, io)).immediate();
    assertFullSync(db);
    const { id, hashKey } = identity(db, path, io);
    rememberEpoch(path, id, epoch);
    return { path, id, hashKey, db, epoch, close: () => close(db, epoch, lock, io) };
  } catch (error) {
    lock.release();
    throw openingProblem(error, path);
  }
}

function lockOf(path: string): ExecutorLock | undefined {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    refuseNetwork(dirname(path));
    refuseOpenModes(path);
    return takeLock(`${path}.lock`);
  } catch (error) {
    throw openingProblem(error, path);
  }
}

/** Opens the ledger to look at it: never locks, never migrates. `undefined` where there is none yet. */
export async function openLedgerForReading(path: string): Promise<Ledger | undefined> {
  // An empty one is none: it is being made, or all of it is lost.
  if (!(statSync(path, { throwIfNoEntry: false })?.size ?? 0)) {
    refuseMissing(path);
    return undefined;
  }
  try {
    const db = new Database(path, { readonly: true });
    db.pragma('busy_timeout = 5000');
    const row = db.prepare<[], { ledger_id: string; hash_key: Buffer }>('SELECT * FROM ledger').get();
    if (!row) {
      db.close();
      return undefined;
    }
    const closing = async (): Promise<void> => void db.close();
    return { path, id: row.ledger_id, hashKey: row.hash_key, db, epoch: -1, close: closing };
  } catch (error) {
    throw openingProblem(error, path);
  }
}

/** Opens a ledger that another process executes on, to leave a request there. */
export function openLedgerForRequests(path: string): Database.Database {
  const db = new Database(path, { fileMustExist: true });
  // As long as it may take to write a large ledger anew.
  db.pragma('busy_timeout = 60000');
  db.pragma('synchronous = FULL');
  return db;
}

function openDatabase(path: string): Database.Database {
  if (!existsSync(path)) writeFileSync(path, '', { mode: 0o600, flag: 'wx' });
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 5000');
  db.pragma('trusted_schema = OFF');
  db.pragma('cache_size = -16384');
  db.pragma('wal_autocheckpoint = 16000');
  // What a long reader made of the log is given back once it can be emptied.
  db.pragma('journal_size_limit = 67108864');
  return db;
}

/** Whether the ledger has had all migrations, and no other: then knex, which takes its time to load, is not needed. */
async function isMigrated(db: Database.Database): Promise<boolean> {
  if (!hasTable({ db }, 'knex_migrations')) return false;
  const done = db.prepare<[], { name: string }>('SELECT name FROM knex_migrations ORDER BY name').all();
  const wanted = await migrationNames();
  return done.map(({ name }) => name).join() === wanted.join();
}

/** What goes wrong in a migration is thrown; knex would print it as well. */
const QUIET = { warn: () => {}, error: () => {}, debug: () => {}, deprecate: () => {} };

/** Brings a ledger to this version, step by step, each of them whole or not at all. Throws `LEDGER_NEWER`, `LEDGER_MIGRATION_FAILED`. */
export async function migrateLedger(path: string): Promise<void> {
  const { default: knex } = await import('knex');
  const writer = knex({ client: 'better-sqlite3', connection: { filename: path }, useNullAsDefault: true, log: QUIET });
  try {
    // Only one process migrates, because it holds the executor's lock; knex's own is a leftover of one that died here.
    await writer.migrate.forceFreeMigrationsLock({ migrationSource });
    await writer.migrate.latest({ migrationSource });
  } catch (error) {
    // Knex says so when the ledger names a migration that this version does not have.
    if (!(error instanceof Error && error.message.includes('corrupt'))) throw await migrationProblem(error, path);
    throw new TransferError('LEDGER_NEWER', `the ledger ${path} was made by a newer version of referry`, {
      hint: 'run the newer version, or restore a backup made by this one',
      cause: error,
    });
  } finally {
    await writer.destroy();
  }
}

function takeOver(db: Database.Database, kind: ExecutorKind, io: Io): number {
  const row = db
    .prepare<[string, string, number, number, number], { epoch: number }>(
      `INSERT INTO executor (id, epoch, kind, host, pid, started_at, heartbeat_at) VALUES (1, 1, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET epoch = epoch + 1, kind = excluded.kind, host = excluded.host, pid = excluded.pid,
         started_at = excluded.started_at, heartbeat_at = excluded.heartbeat_at, ended_at = NULL
       RETURNING epoch`,
    )
    .get(kind, hostname(), process.pid, io.now(), io.now());
  if (!row) throw new TransferError('LEDGER_UNREADABLE', 'the ledger did not answer when it was taken over');
  sweepOrphans(db, io.now());
  return row.epoch;
}

/** WAL silently falls back to NORMAL, which loses commits on a power cut; it shows only after a write. */
function assertFullSync(db: Database.Database): void {
  const level = db.pragma('synchronous', { simple: true });
  if (level === 2) return;
  throw new TransferError(
    'LEDGER_NOT_DURABLE',
    `the ledger runs with synchronous=${String(level)}, 2 (FULL) is needed`,
    {
      hint: 'check that no other program changes this database',
    },
  );
}

function identity(db: Database.Database, path: string, io: Io): { id: string; hashKey: Buffer } {
  db.prepare('INSERT INTO ledger (id, ledger_id, hash_key, created_at) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING').run(
    randomBytes(4).toString('hex'),
    randomBytes(32),
    io.now(),
  );
  const row = db.prepare<[], { ledger_id: string; hash_key: Buffer }>('SELECT ledger_id, hash_key FROM ledger').get();
  if (!row) throw new TransferError('LEDGER_UNREADABLE', `the ledger ${path} has no identity`);
  const marker = join(dirname(path), MARKER);
  if (!existsSync(marker)) writeFileSync(marker, `${row.ledger_id}\n`, { mode: 0o600 });
  return { id: row.ledger_id, hashKey: row.hash_key };
}

/** A fresh ledger in place of a lost one would send all of history again. */
function refuseMissing(path: string): void {
  const marker = join(dirname(path), MARKER);
  if (!existsSync(marker)) return;
  if (existsSync(path) && statSync(path).size > 0) return;
  const id = readFileSync(marker, 'utf8').trim();
  throw new TransferError('LEDGER_MISSING', `the ledger ${id} is gone or empty: ${path}`, {
    hint: `referry restore BACKUP puts one back; only if nothing was ever delivered, remove ${marker} and start anew`,
  });
}

function refuseOpenModes(path: string): void {
  if (!existsSync(path)) return;
  const mode = statSync(path).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw new TransferError(
    'LEDGER_READABLE_BY_OTHERS',
    `the ledger ${path} has mode ${mode.toString(8)}, 600 is allowed`,
    {
      hint: `chmod 600 ${path}`,
    },
  );
}

/** Only after an unclean end: the check reads the whole database, and a good end needs none. */
function endedBadly(db: Database.Database): boolean {
  if (!hasTable({ db }, 'executor')) return true;
  return db.prepare('SELECT 1 FROM executor WHERE ended_at IS NULL').get() !== undefined;
}

function checkIntegrity(db: Database.Database, path: string): void {
  const found = db.pragma('quick_check(1)', { simple: true });
  if (found === 'ok') return;
  throw new TransferError('LEDGER_UNREADABLE', `the ledger ${path} is damaged: ${String(found)}`, {
    hint: 'stop every program that uses it, keep the file, and restore the last backup',
  });
}

export async function inUse(path: string): Promise<TransferError> {
  const holder = readHolder(path);
  const who = holder
    ? `${holder.kind} with process id ${holder.pid} on ${holder.host}, since ${new Date(holder.startedAt).toISOString()}`
    : 'another process';
  return new TransferError('LEDGER_IN_USE', `the ledger ${path} is in use by the ${who}`, {
    retryable: true,
    hint: 'wait for it to end, or stop it',
  });
}

/** Who executes on this ledger, as far as it says. */
export function readHolder(path: string): Holder | undefined {
  if (!existsSync(path)) return undefined;
  const db = new Database(path, { readonly: true });
  try {
    db.pragma('busy_timeout = 2000');
    const row = db
      .prepare<[], { kind: string; host: string; pid: number; started_at: number }>(
        'SELECT kind, host, pid, started_at FROM executor WHERE ended_at IS NULL',
      )
      .get();
    return row && { kind: row.kind, host: row.host, pid: row.pid, startedAt: row.started_at };
  } catch {
    return undefined;
  } finally {
    db.close();
  }
}

async function close(db: Database.Database, epoch: number, lock: ExecutorLock, io: Io): Promise<void> {
  try {
    // Who was taken over must not say that the other one has ended.
    db.prepare('UPDATE executor SET ended_at = ? WHERE id = 1 AND epoch = ?').run(io.now(), epoch);
    db.pragma('wal_checkpoint(TRUNCATE)');
  } catch (error) {
    // All that counts is committed already, and what went wrong before must not be hidden by this: the next start checks the ledger.
    io.log.warn({ code: 'LEDGER_UNREADABLE' }, `the ledger could not be closed in order: ${String(error)}`);
  } finally {
    db.close();
    lock.release();
  }
}
