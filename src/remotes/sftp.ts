import { posix } from 'node:path';
import type { Stats } from 'ssh2';
import type { Io, Remote, RemoteFile } from '../model.ts';
import { TransferError } from '../model.ts';
import { addressOf, trustOf } from './address.ts';
import { createConnection } from './connection.ts';
import { startDownload } from './download.ts';
import { noSuchFolder, notAFile, notAFolder, problemOf, STATUS, statusOf } from './errors.ts';
import { createNoticed, fileOf, kindOf, listSftp, lstatSftp } from './listing.ts';
import type { LoginWatch } from './login-watch.ts';
import { resolvePath, shown } from './names.ts';
import { onceOnly, publishDirectly, publishTo } from './publish.ts';
import { moveSftp, shelfOf } from './rename.ts';
import type { Session } from './session.ts';
import { type RemoteSettings, remoteProblems } from './settings.ts';
import { removeSftp } from './upload.ts';

/** A folder of an SFTP server. */
export async function openSftp(
  settings: RemoteSettings,
  io: Io,
  signal?: AbortSignal,
  logins?: LoginWatch,
): Promise<Remote> {
  const [problem] = remoteProblems(settings).filter(({ field }) => field !== 'hostKey');
  if (problem !== undefined) throw new TransferError('REMOTE_SETTINGS', `${problem.field}: ${problem.message}`);
  const address = addressOf(settings.url);
  const connection = createConnection(settings, address, trustOf(settings, address), io, signal, logins);
  const noticed = createNoticed();
  let root: Promise<string> | undefined;

  async function resolve(path: string): Promise<string> {
    root ??= connection.use((session) => rootOf(session, address.root));
    const absolute = await root.catch((error) => {
      root = undefined;
      throw error;
    });
    return resolvePath(absolute, path);
  }

  try {
    await resolve('.');
  } catch (error) {
    await connection.close();
    throw error;
  }

  return {
    url: address.display,
    async list(folder, signal) {
      signal.throwIfAborted();
      const path = await resolve(folder);
      return connection.use((session) => listSftp(session, path, noticed, signal));
    },
    async stat(path) {
      const absolute = await resolve(path);
      return connection.use((session) => statFile(session, absolute));
    },
    async *read(file, signal) {
      const path = await resolve(file.path);
      // Until the first byte is out, starting again on a new connection is harmless.
      yield* await connection.use((session) => startDownload(session, { ...file, path }, signal));
    },
    async move(from, to) {
      const [source, target] = [await resolve(from), await resolve(to)];
      return connection.use((session) => moveSftp(session, source, target));
    },
    async publish(path, local, options = {}) {
      const target = await resolve(path);
      return connection.use(async (session) => {
        await checkFolder(session, posix.dirname(target), settings.allowFolderLinks);
        const plain = shelfOf(session);
        const shelf = options.once ? onceOnly(plain, options.direct ? 'write' : 'rename', options.once) : plain;
        if (options.direct) return publishDirectly(shelf, target, local);
        return publishTo(shelf, target, local, options.replace ?? false);
      });
    },
    async ensureFolder(folder) {
      const path = await resolve(folder);
      return connection.use((session) => makeFolders(session, path));
    },
    async remove(path) {
      const absolute = await resolve(path);
      return connection.use((session) => removeSftp(session, absolute));
    },
    async [Symbol.asyncDispose]() {
      await connection.close();
    },
  };
}

/** `~/x` becomes the login folder's x, as an absolute path. */
async function rootOf(session: Session, root: string): Promise<string> {
  if (!root.startsWith('~')) return posix.normalize(root);
  const doing = 'find the login folder';
  const home = await session
    .call<string>(doing, (sftp, done) => sftp.realpath('.', done))
    .catch((error) => {
      throw problemOf(error, doing);
    });
  return posix.join(home, root.slice(1));
}

async function statFile(session: Session, path: string): Promise<RemoteFile | undefined> {
  const attrs = await lstatSftp(session, path);
  if (attrs === undefined) return undefined;
  const kind = kindOf(attrs.mode);
  if (kind !== undefined && kind !== 'file') throw notAFile(path, kind === 'link' ? 'a symbolic link' : `a ${kind}`);
  return fileOf(path, posix.basename(path), attrs);
}

async function checkFolder(session: Session, folder: string, allowLinks: boolean): Promise<void> {
  const attrs = await lstatSftp(session, folder);
  if (attrs === undefined) throw noSuchFolder(`${folder}/`);
  if (kindOf(attrs.mode) !== 'link' || allowLinks) return;
  throw new TransferError('FOLDER_IS_LINK', `${shown(folder)} is a symbolic link; nothing is published through it`, {
    hint: 'name the folder that it leads to, or set allowFolderLinks: true',
  });
}

/** Looks first: servers answer "failure" for a folder that exists, and some refuse to make one that does. */
async function makeFolders(session: Session, path: string): Promise<void> {
  if (path === '/' || (await isFolder(session, path))) return;
  await makeFolders(session, posix.dirname(path));
  const doing = `make the folder ${shown(path)}`;
  try {
    await session.run(doing, (sftp, done) => sftp.mkdir(path, done));
  } catch (error) {
    if (session.broken !== undefined) throw session.broken;
    if (!(await isFolder(session, path))) throw problemOf(error, doing);
  }
}

/** Through links: whoever made one there wanted it used as a folder. Publishing into it is another question. */
async function isFolder(session: Session, path: string): Promise<boolean> {
  const doing = `look at ${shown(path)}`;
  let attrs: Stats;
  try {
    attrs = await session.call<Stats>(doing, (sftp, done) => sftp.stat(path, done));
  } catch (error) {
    if (statusOf(error) === STATUS.noSuchFile) return false;
    throw problemOf(error, doing);
  }
  const kind = kindOf(attrs.mode);
  if (kind === undefined || kind === 'folder') return true;
  throw notAFolder(path);
}
