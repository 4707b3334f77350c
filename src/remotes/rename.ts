import { createHash } from 'node:crypto';
import type { Stats } from 'ssh2';
import { startDownload } from './download.ts';
import {
  noSuchFolder,
  problemOf,
  publishFailed,
  renameUnsupported,
  STATUS,
  statusOf,
  targetExists,
  vanished,
} from './errors.ts';
import { fileOf, kindOf, lstatSftp } from './listing.ts';
import { shown } from './names.ts';
import type { Shelf } from './publish.ts';
import type { Session } from './session.ts';
import { isNotOffered, removeSftp, uploadSftp } from './upload.ts';

/** Publishing on an SFTP server. */
export function shelfOf(session: Session): Shelf {
  return {
    async look(path) {
      const attrs = await lstatSftp(session, path);
      if (attrs === undefined) return { kind: 'absent' };
      const kind = kindOf(attrs.mode);
      if (kind === 'folder') return { kind: 'folder' };
      if ((kind === 'file' || kind === undefined) && attrs.size !== undefined)
        return { kind: 'file', size: attrs.size };
      return { kind: 'other' };
    },
    sha256: (path) => sha256Sftp(session, path),
    write: (temporary, local) => uploadSftp(session, temporary, local),
    async rename(temporary, target) {
      const sent = await lstatSftp(session, temporary);
      const error = await tryRename(session, temporary, target);
      if (error === undefined) return 'done';
      const now = await lstatSftp(session, target);
      if (now === undefined) throw publishProblem(error, temporary, target);
      // Refused, or done with a lost answer: only where ours is gone did the target come from us.
      const left = await lstatSftp(session, temporary);
      return left === undefined && now.size === sent?.size ? 'done' : 'exists';
    },
    async replace(temporary, target) {
      const error = await posixRename(session, temporary, target);
      if (error === undefined) return 'done';
      if (isNotOffered(error)) return 'unsupported';
      throw publishProblem(error, temporary, target);
    },
    remove: (path) => removeSftp(session, path),
  };
}

function publishProblem(error: unknown, temporary: string, target: string): Error {
  if (isNotOffered(error)) return renameUnsupported(temporary, target, error);
  if (statusOf(error) === STATUS.permissionDenied)
    return problemOf(error, `rename ${shown(temporary)} to ${shown(target)}`);
  return statusOf(error) === STATUS.failure
    ? renameUnsupported(temporary, target, error)
    : publishFailed(error, target);
}

async function sha256Sftp(session: Session, path: string): Promise<string> {
  const attrs = await lstatSftp(session, path);
  if (attrs === undefined) throw vanished(path);
  const hash = createHash('sha256');
  const chunks = await startDownload(session, fileOf(path, path, attrs), new AbortController().signal);
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * Renames without replacing. Looks first, since some servers replace silently; looks again when the answer is no, since
 * the answer to a rename that was done may have been lost.
 */
export async function moveSftp(session: Session, from: string, to: string): Promise<void> {
  const [source, target] = [await lstatSftp(session, from), await lstatSftp(session, to)];
  if (source === undefined) {
    if (target === undefined) throw vanished(from);
    return;
  }
  if (target !== undefined) {
    if (!(await isHalfRenamed(session, from, source, to, target))) throw targetExists(from, to);
    await removeSftp(session, from);
    return;
  }
  const error = await tryRename(session, from, to);
  if (error === undefined) return;
  const [left, arrived] = [await lstatSftp(session, from), await lstatSftp(session, to)];
  if (left === undefined && arrived !== undefined) return;
  if (left === undefined) throw vanished(from);
  if (arrived !== undefined) throw targetExists(from, to);
  if (statusOf(error) === STATUS.noSuchFile) throw noSuchFolder(to);
  if (statusOf(error) === STATUS.permissionDenied) throw problemOf(error, `rename ${shown(from)} to ${shown(to)}`);
  throw renameUnsupported(from, to, error);
}

/** OpenSSH renames by link and unlink: killed between them, it leaves one file under both names. */
async function isHalfRenamed(
  session: Session,
  from: string,
  source: Stats,
  to: string,
  target: Stats,
): Promise<boolean> {
  if (kindOf(source.mode) !== 'file' || kindOf(target.mode) !== 'file') return false;
  if (source.size !== target.size || source.mtime !== target.mtime || source.mtime === undefined) return false;
  return (await sha256Sftp(session, from)) === (await sha256Sftp(session, to));
}

/** The error, or undefined where it was done. The target is known to be absent. */
async function tryRename(session: Session, from: string, to: string): Promise<unknown> {
  const doing = `rename ${shown(from)} to ${shown(to)}`;
  try {
    await session.run(doing, (sftp, done) => sftp.rename(from, to, done));
    return undefined;
  } catch (error) {
    if (session.broken !== undefined) throw session.broken;
    return statusOf(error) === STATUS.unsupported ? posixRename(session, from, to) : error;
  }
}

async function posixRename(session: Session, from: string, to: string): Promise<unknown> {
  const doing = `rename ${shown(from)} to ${shown(to)}`;
  try {
    await session.run(doing, (sftp, done) => sftp.ext_openssh_rename(from, to, done));
    return undefined;
  } catch (error) {
    if (session.broken !== undefined) throw session.broken;
    return error;
  }
}
