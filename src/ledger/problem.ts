import { closeSync, openSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { TransferError } from '../model.ts';

/** Whether an executor must end: its disk fails or its ledger is damaged, and to go on writing could make it worse. */
export function endsExecutor(error: unknown): boolean {
  return error instanceof TransferError && (error.code === 'LEDGER_UNREADABLE' || error.code === 'LEDGER_TAKEN_OVER');
}

/**
 * An error of the database, or of this machine's disk while the ledger is opened, as a problem of the ledger; any other error as it
 * is. `LEDGER_FULL` and `LEDGER_BUSY` pass; `LEDGER_NOT_WRITABLE` is a matter of rights,
 * `TOO_MANY_OPEN_FILES` of this process's limit; `LEDGER_UNREADABLE` is all else.
 */
export function ledgerProblem(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const what = `${error.message} (${error.code})`;
  // SHMSIZE: the memory that connections share is a file, which could not be made longer.
  if (/^SQLITE_(?:FULL|IOERR_SHMSIZE)$/.test(error.code)) return full(path, error);
  if (/^SQLITE_(?:BUSY|LOCKED)/.test(error.code))
    return new TransferError('LEDGER_BUSY', `the ledger ${path} is kept locked by another program: ${what}`, {
      retryable: true,
      hint: 'end what has it open to write, such as sqlite3 or a program that copies it; nothing is lost, and the next run goes on',
      cause: error,
    });
  // SQLite says the same of a file that may not be opened, and of one too many.
  if (error.code.startsWith('SQLITE_CANTOPEN') && mayOpenNoMore()) return tooManyFiles(path, what, error);
  if (/^SQLITE_(?:READONLY|CANTOPEN|PERM|AUTH)/.test(error.code)) return notWritable(path, what, error);
  return new TransferError('LEDGER_UNREADABLE', `the ledger ${path} cannot be used: ${what}`, {
    hint: 'check the disk; restore the last backup if the ledger is damaged',
    cause: error,
  });
}

/** The same where its files and folder are made and looked at, before there is a database. */
export function openingProblem(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return ledgerProblem(error, path);
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return full(path, error);
  if (error.code === 'EMFILE' || error.code === 'ENFILE') return tooManyFiles(path, error.message, error);
  return notWritable(path, error.message, error);
}

/** Of a ledger: the database, its log, what connections share of it, and their folder. */
const FILES = 4;

/** SQLite has closed by now what it could open. */
function mayOpenNoMore(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < FILES) opened.push(openSync(devNull, 'r'));
    return false;
  } catch {
    return true;
  } finally {
    for (const each of opened) closeSync(each);
  }
}

function tooManyFiles(path: string, what: string, cause: Error): TransferError {
  return new TransferError(
    'TOO_MANY_OPEN_FILES',
    `the ledger ${path} cannot be opened: this process has as many files open as it may: ${what}`,
    {
      retryable: true,
      hint: 'allow it more open files: LimitNOFILE= of the systemd unit, or ulimit -n; 256 are plenty. Nothing is lost, and the next run goes on',
      cause,
    },
  );
}

function full(path: string, cause: Error): TransferError {
  return new TransferError('LEDGER_FULL', `no room on the disk of the ledger ${path}: ${cause.message}`, {
    retryable: true,
    hint: 'make room on that disk: referry prune --dry-run says what may go. Nothing is lost, and the next run goes on; no backup is needed',
    cause,
  });
}

function notWritable(path: string, what: string, cause: Error): TransferError {
  const folder = dirname(path);
  const us = process.getuid?.();
  const of = (each: string): string => {
    try {
      const { uid, mode } = statSync(each);
      return `${each} belongs to user id ${uid}, mode ${(mode & 0o777).toString(8)}`;
    } catch (error) {
      return error instanceof Error && 'code' in error ? `${each}: ${String(error.code)}` : each;
    }
  };
  const who = us === undefined ? '' : ` by user id ${us}`;
  return new TransferError(
    'LEDGER_NOT_WRITABLE',
    `the ledger ${path} cannot be opened or written${who}: ${what}; ${of(folder)}, ${of(path)}`,
    {
      hint: `run as the user that owns it, or give it to this one: chown -R USER ${folder}. Its disk must not be mounted read-only`,
      cause,
    },
  );
}
