import { createHash } from 'node:crypto';
import { chmodSync, createReadStream, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { TransferError } from '../model.ts';
import { ledgerProblem } from './problem.ts';

/** What is written beside a backup, as JSON. */
export interface BackupManifest {
  format: 'referry-backup/1';
  /** Id of the ledger. */
  ledger: string;
  /** ISO 8601: all that was committed by then is in it. */
  madeAt: string;
  /** Of the backup's file, in hex. */
  sha256: string;
  bytes: number;
  rows: { deliveries: number; processings: number };
}

export interface Backup extends BackupManifest {
  path: string;
  /** Backups that were removed, since newer ones are enough. */
  dropped: string[];
}

/** All pages in one step: a snapshot that no writer disturbs, and that disturbs no writer. */
const ALL_PAGES = 0x7fff_ffff;

/**
 * Copies a ledger while it is in use, over a connection of its own, checks the copy, and leaves `keep` backups of this ledger in
 * the folder. Takes no lock. Blocks the thread while it copies and checks. Throws `LEDGER_UNREADABLE`, `BACKUP_FAILED`.
 */
export async function backUp(path: string, folder: string, keep: number, now: number): Promise<Backup> {
  let part = '';
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const source = new Database(path, { readonly: true, fileMustExist: true, timeout: 10_000 });
    let id: string;
    try {
      id = idOf(source, path);
      part = join(folder, `.ledger-${id}-${stampOf(now)}.sqlite.part`);
      rmSync(part, { force: true });
      await source.backup(part, { progress: () => ALL_PAGES });
    } finally {
      source.close();
    }
    chmodSync(part, 0o600);
    const rows = checkCopy(part);
    const sha256 = await sealed(part);
    const bytes = statSync(part).size;
    const manifest: BackupManifest = {
      ...{ format: 'referry-backup/1', ledger: id, madeAt: new Date(now).toISOString(), sha256, bytes, rows },
    };
    const target = join(folder, `ledger-${id}-${stampOf(now)}.sqlite`);
    await writeFile(manifestOf(part), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
    renameSync(manifestOf(part), manifestOf(target));
    renameSync(part, target);
    await syncFolder(folder);
    return { ...manifest, path: target, dropped: dropOld(folder, id, keep) };
  } catch (error) {
    if (part !== '') for (const left of [part, manifestOf(part)]) rmSync(left, { force: true });
    throw backupProblem(error, path, folder);
  }
}

export const manifestOf = (backup: string): string => `${backup}.json`;

/** The manifest beside a backup; `undefined` where there is none. Throws `BACKUP_INVALID` where it cannot be read. */
export async function readManifest(backup: string): Promise<BackupManifest | undefined> {
  const path = manifestOf(backup);
  if (!existsSync(path)) return undefined;
  try {
    const manifest: BackupManifest = JSON.parse(await readFile(path, 'utf8'));
    if (manifest.format === 'referry-backup/1' && typeof manifest.sha256 === 'string') return manifest;
  } catch {
    // Said below.
  }
  throw new TransferError('BACKUP_INVALID', `${path} is no manifest of a backup`, {
    hint: 'use another backup; or move the manifest away, if you are sure of the backup itself',
  });
}

/** The sha256 of a file in hex, read in pieces. Not of a ledger in use: reading it beside SQLite would drop its locks. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function idOf(db: Database.Database, path: string): string {
  const row = db.prepare<[], { ledger_id: string }>('SELECT ledger_id FROM ledger').get();
  if (row) return row.ledger_id;
  throw new TransferError('LEDGER_UNREADABLE', `the ledger ${path} has no identity`);
}

/** Makes the copy one file that needs no other beside it, and reads all of it once. */
function checkCopy(path: string): BackupManifest['rows'] {
  const db = new Database(path);
  try {
    db.pragma('journal_mode = DELETE');
    const found = db.pragma('integrity_check(1)', { simple: true });
    if (found !== 'ok')
      throw new TransferError('LEDGER_UNREADABLE', `the copy of the ledger is damaged: ${String(found)}`, {
        hint: 'most likely the ledger itself is: stop the daemon, keep the file, and restore the last good backup',
      });
    const count = (table: string): number =>
      db.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0;
    return { deliveries: count('deliveries'), processings: count('processings') };
  } finally {
    db.close();
  }
}

async function sealed(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return sha256Of(path);
}

/** Removes all but the newest `keep` backups of a ledger, and what one that was cut short has left. */
function dropOld(folder: string, id: string, keep: number): string[] {
  const names = readdirSync(folder);
  const ours = names.filter((name) => new RegExp(`^ledger-${id}-\\d{8}T\\d{6}Z\\.sqlite$`).test(name)).sort();
  const old = ours.slice(0, Math.max(0, ours.length - keep));
  const torn = names.filter((name) => name.startsWith(`.ledger-${id}-`) && name.includes('.part'));
  for (const name of [...old.flatMap((each) => [each, manifestOf(each)]), ...torn])
    rmSync(join(folder, name), { force: true });
  return old;
}

const stampOf = (now: number): string => new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');

function backupProblem(error: unknown, path: string, folder: string): unknown {
  const problem = ledgerProblem(error, path);
  if (problem instanceof TransferError || !(error instanceof Error)) return problem;
  return new TransferError('BACKUP_FAILED', `no backup could be made in ${folder}: ${error.message}`, {
    retryable: true,
    hint: 'look at the disk and the rights of that folder; the ledger itself was only read',
    cause: error,
  });
}
