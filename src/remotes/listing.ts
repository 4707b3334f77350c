import type { FileEntryWithStats, Stats } from 'ssh2';
import { type Notice, type RemoteFile, TransferError } from '../model.ts';
import { noFolder, problemOf, STATUS, statusOf } from './errors.ts';
import { byAge, looksLikeData, shown } from './names.ts';
import type { Session } from './session.ts';

/** What an entry of a folder is, by lstat's type. */
export type Kind = 'file' | 'folder' | 'link' | 'special';

const TYPE_BITS = 0o170000;

/** From the mode that the server sent; never from the listing's text, which some servers leave empty. */
export function kindOf(mode: number | undefined): Kind | undefined {
  if (mode === undefined || (mode & TYPE_BITS) === 0) return undefined;
  switch (mode & TYPE_BITS) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'folder';
    case 0o120000:
      return 'link';
    default:
      return 'special';
  }
}

/** Something in a folder that was passed over, or undefined where nobody needs to know. */
export function passedOver(name: string, kind: Kind | 'odd' | 'unknown'): Notice | undefined {
  if (kind === 'odd') {
    return {
      code: 'ODD_NAME',
      message: `"${shown(name)}" was passed over: its name cannot be asked for (not valid UTF-8, too long, or with a slash or a zero byte); have it renamed`,
    };
  }
  if (name.startsWith('.')) return undefined;
  if (kind === 'folder') {
    if (!looksLikeData(name)) return undefined;
    return { code: 'NOT_A_FILE', message: `"${shown(name)}" was passed over: it is a folder` };
  }
  const what =
    kind === 'link'
      ? 'a symbolic link, which is never followed'
      : kind === 'special'
        ? 'neither file nor folder'
        : 'of unknown type';
  return { code: 'NOT_A_FILE', message: `"${shown(name)}" was passed over: it is ${what}` };
}

/** U+FFFD stands where bytes were no UTF-8: the name was lost on the way and names nothing. */
export function isOddName(name: string): boolean {
  return name.includes('\ufffd');
}

/** Notices that were not given before. */
export function createNoticed(): (folder: string, name: string, kind: Kind | 'odd' | 'unknown') => Notice[] {
  const told = new Set<string>();
  return (folder, name, kind) => {
    const notice = passedOver(name, kind);
    const key = `${folder}/${name}:${kind}`;
    if (notice === undefined || told.has(key)) return [];
    told.add(key);
    return [notice];
  };
}

export async function listSftp(
  session: Session,
  folder: string,
  noticed: ReturnType<typeof createNoticed>,
  signal: AbortSignal,
): Promise<{ files: RemoteFile[]; notices: Notice[] }> {
  const files: RemoteFile[] = [];
  const notices: Notice[] = [];
  for await (const entry of entriesOf(session, folder, signal)) {
    const name = entry.filename;
    if (name === '.' || name === '..') continue;
    if (name === '' || name.length > LONGEST_NAME || /[/\0]/.test(name) || isOddName(name)) {
      notices.push(...noticed(folder, name, 'odd'));
      continue;
    }
    const path = folder === '/' ? `/${name}` : `${folder}/${name}`;
    const whole = entry.attrs.mode !== undefined && entry.attrs.size !== undefined;
    const attrs = whole ? entry.attrs : await lstatSftp(session, path);
    if (attrs === undefined) continue;
    const kind = kindOf(attrs.mode) ?? 'unknown';
    // A server that gives no type at all still gives sizes: reading will tell what it is.
    if (kind === 'file' || (kind === 'unknown' && attrs.size !== undefined)) files.push(fileOf(path, name, attrs));
    else notices.push(...noticed(folder, name, kind));
  }
  return { files: files.sort(byAge), notices };
}

/** Four times what file systems take. */
const LONGEST_NAME = 1024;

/** Characters of names and of the lines for people, all in all: some 200,000 files. A page without any counts too. */
const MOST_LISTED = 32 * 1024 * 1024;
const EMPTY_PAGE = 256 * 1024;

function tooLong(folder: string): TransferError {
  return new TransferError(
    'LISTING_TOO_LONG',
    `the listing of ${shown(folder)} does not end after ${MOST_LISTED / 1024 ** 2} MB`,
    {
      hint: 'move old files out of that folder, or ask who runs the server: it may send the same entries again and again',
    },
  );
}

async function* entriesOf(session: Session, folder: string, signal: AbortSignal): AsyncGenerator<FileEntryWithStats> {
  const doing = `list ${shown(folder)}`;
  const handle = await session
    .call<Buffer>(doing, (sftp, done) => sftp.opendir(folder, done))
    .catch((error) => {
      throw statusOf(error) === STATUS.noSuchFile ? noFolder(folder, error) : problemOf(error, doing);
    });
  let left = MOST_LISTED;
  try {
    for (;;) {
      signal.throwIfAborted();
      if (left < 0) throw tooLong(folder);
      const page = await session
        .call<FileEntryWithStats[]>(doing, (sftp, done) => sftp.readdir(handle, done))
        .catch((error) => {
          if (statusOf(error) === STATUS.eof) return undefined;
          throw problemOf(error, doing);
        });
      if (page === undefined) return;
      left -=
        page.length === 0
          ? EMPTY_PAGE
          : page.reduce((sum, { filename, longname }) => sum + filename.length + longname.length, 0);
      yield* page;
    }
  } finally {
    if (session.broken === undefined)
      await session.run(doing, (sftp, done) => sftp.close(handle, done)).catch(() => {});
  }
}

/** lstat; undefined only for the server's clear "no such file". */
export async function lstatSftp(session: Session, path: string): Promise<Stats | undefined> {
  const doing = `look at ${shown(path)}`;
  try {
    return await session.call<Stats>(doing, (sftp, done) => sftp.lstat(path, done));
  } catch (error) {
    if (statusOf(error) === STATUS.noSuchFile) return undefined;
    throw problemOf(error, doing);
  }
}

export function fileOf(path: string, name: string, attrs: Stats): RemoteFile {
  return { path, name, size: attrs.size ?? 0, mtime: (attrs.mtime ?? 0) * 1000 };
}
