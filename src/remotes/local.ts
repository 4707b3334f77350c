import { constants } from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Io, Notice, Remote, RemoteFile } from '../model.ts';
import { TransferError } from '../model.ts';
import {
  changed,
  noFolder,
  noSuchFolder,
  notAFile,
  notAFolder,
  problemOf,
  renameUnsupported,
  systemCodeOf,
  targetExists,
  vanished,
} from './errors.ts';
import { createNoticed, isOddName, kindOf } from './listing.ts';
import { localShelf, syncFolder } from './local-shelf.ts';
import { byAge, resolvePath, shown } from './names.ts';
import { onceOnly, publishDirectly, publishTo } from './publish.ts';
import type { RemoteSettings } from './settings.ts';

const CHUNK = 256 * 1024;
const LOOKS_AT_ONCE = 64;

/** A folder of this machine, with the same promises as one of a server. */
export async function openLocal(settings: RemoteSettings, _io: Io): Promise<Remote> {
  const root = posix.normalize(fileURLToPath(settings.url));
  const noticed = createNoticed();
  const resolve = (path: string) => resolvePath(root, path);
  if (!(await isFolder(root))) throw noFolder(root);

  return {
    url: `file://${shown(root)}`,
    async list(folder, signal) {
      signal.throwIfAborted();
      return listLocal(resolve(folder), noticed, signal);
    },
    stat: async (path) => statFile(resolve(path)),
    read: (file, signal) => readLocal({ ...file, path: resolve(file.path) }, signal),
    move: async (from, to) => moveLocal(resolve(from), resolve(to)),
    async publish(path, local, options = {}) {
      const target = resolve(path);
      await checkFolder(posix.dirname(target), settings.allowFolderLinks);
      const last = options.direct ? 'write' : 'rename';
      const shelf = options.once ? onceOnly(localShelf, last, options.once) : localShelf;
      if (options.direct) return publishDirectly(shelf, target, local);
      return publishTo(shelf, target, local, options.replace ?? false);
    },
    async ensureFolder(folder) {
      const path = resolve(folder);
      await mkdir(path, { recursive: true }).catch((error) => {
        const taken = ['EEXIST', 'ENOTDIR'].includes(systemCodeOf(error) ?? '');
        throw taken ? notAFolder(path) : problemOf(error, `make the folder ${shown(path)}`);
      });
    },
    remove: (path) => localShelf.remove(resolve(path)),
    async [Symbol.asyncDispose]() {},
  };
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw problemOf(error, `look at ${shown(path)}`);
  }
}

async function checkFolder(folder: string, allowLinks: boolean): Promise<void> {
  const found = await lstatLocal(folder);
  if (found === undefined) throw noSuchFolder(`${folder}/`);
  if (!found.isSymbolicLink() || allowLinks) return;
  throw new TransferError('FOLDER_IS_LINK', `${shown(folder)} is a symbolic link; nothing is published through it`, {
    hint: 'name the folder that it leads to, or set allowFolderLinks: true',
  });
}

async function listLocal(
  folder: string,
  noticed: ReturnType<typeof createNoticed>,
  signal: AbortSignal,
): Promise<{ files: RemoteFile[]; notices: Notice[] }> {
  const files: RemoteFile[] = [];
  const notices: Notice[] = [];
  const names = await readdir(folder).catch((error) => {
    throw systemCodeOf(error) === 'ENOENT' ? noFolder(folder, error) : problemOf(error, `list ${shown(folder)}`);
  });
  for (let at = 0; at < names.length; at += LOOKS_AT_ONCE) {
    signal.throwIfAborted();
    const some = names.slice(at, at + LOOKS_AT_ONCE);
    const looks = await Promise.all(
      some.map((name) => (isOddName(name) ? 'odd' : lstatLocal(posix.join(folder, name)))),
    );
    for (const [index, name] of some.entries()) {
      const found = looks[index];
      if (found === undefined) continue;
      const kind = found === 'odd' ? 'odd' : (kindOf(found.mode) ?? 'unknown');
      if (found !== 'odd' && kind === 'file') {
        files.push({ path: posix.join(folder, name), name, size: found.size, mtime: Math.floor(found.mtimeMs) });
      } else {
        notices.push(...noticed(folder, name, kind));
      }
    }
  }
  return { files: files.sort(byAge), notices };
}

async function lstatLocal(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw problemOf(error, `look at ${shown(path)}`);
  }
}

async function statFile(path: string): Promise<RemoteFile | undefined> {
  const found = await lstatLocal(path);
  if (found === undefined) return undefined;
  const kind = kindOf(found.mode);
  if (kind !== 'file') throw notAFile(path, kind === 'link' ? 'a symbolic link' : `a ${kind ?? 'special file'}`);
  return { path, name: posix.basename(path), size: found.size, mtime: Math.floor(found.mtimeMs) };
}

async function* readLocal(file: RemoteFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  await checkUnchanged(file, 'before');
  const handle = await open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error) => {
      throw systemCodeOf(error) === 'ENOENT' ? vanished(file.path) : problemOf(error, `read ${shown(file.path)}`);
    },
  );
  try {
    yield* readToSize(handle, file, signal);
    const opened = await handle.stat();
    const named = await lstatLocal(file.path);
    if (named !== undefined && (named.ino !== opened.ino || named.dev !== opened.dev)) {
      throw changed(file.path, 'another file took its name');
    }
  } finally {
    await handle.close();
  }
  await checkUnchanged(file, 'after');
}

async function* readToSize(handle: FileHandle, file: RemoteFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let position = 0;
  while (position <= file.size) {
    signal.throwIfAborted();
    // One byte more than it should have, to see whether it has grown.
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, file.size - position + 1));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position).catch((error) => {
      throw problemOf(error, `read ${shown(file.path)}`);
    });
    if (bytesRead === 0) break;
    position += bytesRead;
    if (position > file.size) throw changed(file.path, `it is longer than the ${file.size} bytes it was listed with`);
    yield buffer.subarray(0, bytesRead);
  }
  if (position < file.size) throw changed(file.path, `it ends after ${position} bytes, listed with ${file.size}`);
}

async function checkUnchanged(file: RemoteFile, when: string): Promise<void> {
  const now = await statFile(file.path);
  if (now === undefined) throw vanished(file.path);
  if (now.size !== file.size)
    throw changed(file.path, `${now.size} bytes ${when} reading, ${file.size} when it was listed`);
  if (file.mtime !== 0 && now.mtime !== file.mtime)
    throw changed(file.path, `its modification time differs ${when} reading`);
}

/** By link and unlink, which never replaces: where the second step was missed, repeating makes up for it. */
async function moveLocal(from: string, to: string): Promise<void> {
  const [source, target] = [await lstatLocal(from), await lstatLocal(to)];
  if (source === undefined) {
    if (target === undefined) throw vanished(from);
    return;
  }
  const isSame = target !== undefined && target.ino === source.ino && target.dev === source.dev;
  if (target !== undefined && !isSame) throw targetExists(from, to);
  try {
    if (!isSame) await linkOrRename(from, to);
    await unlink(from).catch((error) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    });
  } catch (error) {
    throw moveProblem(error, from, to);
  }
  await syncFolder(posix.dirname(to));
  await syncFolder(posix.dirname(from));
}

/** Not every file system has hard links; there the look before must do. */
async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCodeOf(error) ?? '')) throw error;
    if ((await lstatLocal(to)) !== undefined) throw targetExists(from, to);
    await rename(from, to);
  }
}

function moveProblem(error: unknown, from: string, to: string): Error {
  switch (systemCodeOf(error)) {
    case 'EEXIST':
      return targetExists(from, to);
    case 'ENOENT':
      return noSuchFolder(to);
    case 'EXDEV':
      return renameUnsupported(from, to, error);
    default:
      return problemOf(error, `rename ${shown(from)} to ${shown(to)}`);
  }
}
