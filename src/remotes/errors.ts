import { TransferError } from '../model.ts';
import { shown } from './names.ts';

/** Status codes of SFTP version 3. */
export const STATUS = { eof: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;

/** The status a server answered with, or undefined where the error is not an answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** The `code` of a Node.js system error, such as ENOENT. */
export function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export function textOf(error: unknown): string {
  return shown(error instanceof Error ? error.message : String(error));
}

/** What a refusal means, in the words of this project. `doing` reads "rename inbox/a to processing/a". */
export function problemOf(error: unknown, doing: string): TransferError {
  if (error instanceof TransferError) return error;
  const told = `cannot ${doing}: ${textOf(error)}`;
  const status = statusOf(error);
  const system = systemCodeOf(error);
  const cause = { cause: error };
  if (status === STATUS.noSuchFile || system === 'ENOENT') {
    return new TransferError('NO_SUCH_FILE', told, {
      ...cause,
      hint: 'the file or its folder does not exist on the remote',
    });
  }
  if (status === STATUS.permissionDenied || system === 'EACCES' || system === 'EPERM' || system === 'EROFS') {
    return new TransferError('PERMISSION_DENIED', told, {
      ...cause,
      hint: 'give the user the right to do this, or choose another folder; `referry doctor` tries each right',
    });
  }
  if (status === STATUS.unsupported) {
    return new TransferError('SFTP_UNSUPPORTED', told, { ...cause, hint: 'the server does not offer this operation' });
  }
  if (system === 'ENOTDIR') {
    return new TransferError('NO_SUCH_FOLDER', told, { ...cause, hint: 'a part of the path is not a folder' });
  }
  if (system !== undefined) return new TransferError('LOCAL_IO', told, { ...cause, retryable: true });
  return new TransferError('SFTP_FAILURE', told, {
    ...cause,
    retryable: true,
    hint: 'the server gave no reason; its disk, quota or log may tell',
  });
}

/** Disk full, quota, write refused: the results stay with us, and publication is tried again. */
export function publishFailed(error: unknown, path: string): TransferError {
  if (error instanceof TransferError) return error;
  if (statusOf(error) === STATUS.permissionDenied) return problemOf(error, `write ${shown(path)}`);
  if (statusOf(error) === STATUS.noSuchFile || systemCodeOf(error) === 'ENOENT') return noSuchFolder(path);
  if (systemCodeOf(error) === 'EACCES' || systemCodeOf(error) === 'EROFS')
    return problemOf(error, `write ${shown(path)}`);
  return new TransferError('PUBLISH_FAILED', `cannot write ${shown(path)}: ${textOf(error)}`, {
    cause: error,
    retryable: true,
    hint: 'the remote refused the data: most often its disk is full or a quota is reached',
  });
}

export function wrongSize(path: string, found: number, expected: number): TransferError {
  return new TransferError(
    'PUBLISH_SIZE_MISMATCH',
    `${shown(path)} has ${found} bytes on the remote after ${expected} were written; it was not given its name`,
    { retryable: true, hint: 'the remote lost data without saying so: look at its disk and quota' },
  );
}

export function vanished(path: string): TransferError {
  return new TransferError('FILE_VANISHED', `${shown(path)} is no longer there`, {
    retryable: true,
    hint: 'somebody moved or removed it after it was listed; nothing was taken from it',
  });
}

export function changed(path: string, what: string): TransferError {
  return new TransferError('FILE_CHANGED', `${shown(path)} changed while it was read: ${what}`, {
    retryable: true,
    hint: 'it is still being written; it is read again once it has stopped changing (a longer stable.for waits longer)',
  });
}

export function notAFile(path: string, kind: string): TransferError {
  return new TransferError('NOT_A_FILE', `${shown(path)} is ${kind}, not a regular file`, {
    hint: 'links and folders are never followed: put the file itself there',
  });
}

export function notAFolder(path: string): TransferError {
  return new TransferError('NOT_A_FOLDER', `${shown(path)}, or a part of it, is a file where a folder is needed`, {
    hint: 'move the file away, or name another folder in the job',
  });
}

export function noFolder(folder: string, error?: unknown): TransferError {
  return new TransferError('NO_SUCH_FOLDER', `the folder ${shown(folder)} does not exist`, {
    cause: error,
    hint: 'create it, or correct the folder in the job',
  });
}

export function noSuchFolder(path: string): TransferError {
  return new TransferError('NO_SUCH_FOLDER', `the folder of ${shown(path)} does not exist`, {
    hint: 'create it, or correct the folder in the job',
  });
}

export function targetExists(from: string, to: string): TransferError {
  return new TransferError('TARGET_EXISTS', `cannot move ${shown(from)}: ${shown(to)} exists and is never replaced`, {
    hint: 'move the file that is in the way',
  });
}

export function renameUnsupported(from: string, to: string, error: unknown): TransferError {
  return new TransferError(
    'RENAME_UNSUPPORTED',
    `the remote cannot rename ${shown(from)} to ${shown(to)}: ${textOf(error)}`,
    {
      cause: error,
      hint: 'renaming is needed so that nobody sees half a file: allow it for this user, and keep both folders on one file system',
    },
  );
}
