import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { problemOf, publishFailed, renameUnsupported, systemCodeOf, wrongSize } from './errors.ts';
import { shown } from './names.ts';
import type { LocalFile, Shelf } from './publish.ts';
import { checkSource } from './upload.ts';

/** Publishing in a folder of this machine. */
export const localShelf: Shelf = {
  async look(path) {
    try {
      const found = await lstat(path);
      if (found.isFile()) return { kind: 'file', size: found.size };
      return { kind: found.isDirectory() ? 'folder' : 'other' };
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return { kind: 'absent' };
      throw problemOf(error, `look at ${shown(path)}`);
    }
  },
  sha256: async (path) => (await digest(path)).sha256,
  write: writeWhole,
  async rename(temporary, target) {
    try {
      await link(temporary, target);
    } catch (error) {
      if (systemCodeOf(error) === 'EEXIST') return 'exists';
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCodeOf(error) ?? ''))
        throw publishFailed(error, target);
      return renameAbsent(temporary, target);
    }
    await localShelf.remove(temporary);
    await syncFolder(posix.dirname(target));
    return 'done';
  },
  async replace(temporary, target) {
    try {
      await rename(temporary, target);
    } catch (error) {
      throw renameUnsupported(temporary, target, error);
    }
    await syncFolder(posix.dirname(target));
    return 'done';
  },
  async remove(path) {
    try {
      await unlink(path);
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') throw problemOf(error, `remove ${shown(path)}`);
    }
  },
};

async function renameAbsent(temporary: string, target: string): Promise<'done' | 'exists'> {
  if ((await localShelf.look(target)).kind !== 'absent') return 'exists';
  return localShelf.replace(temporary, target).then(() => 'done');
}

async function writeWhole(temporary: string, local: LocalFile): Promise<void> {
  await localShelf.remove(temporary);
  try {
    await copyFile(local.path, temporary, constants.COPYFILE_EXCL);
    const handle = await open(temporary, 'r+');
    try {
      await handle.chmod(0o644).catch(() => {});
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw publishFailed(error, temporary);
  }
  const written = await digest(temporary);
  if (written.size !== local.size) throw wrongSize(temporary, written.size, local.size);
  checkSource(local, written.size, written.sha256);
}

async function digest(path: string): Promise<{ size: number; sha256: string }> {
  const handle = await open(path, 'r').catch((error) => {
    throw problemOf(error, `read ${shown(path)}`);
  });
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of handle.createReadStream({ highWaterMark: 256 * 1024 })) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest('hex') };
}

/** A new name is only safe from a power cut once its folder is flushed. Not every file system allows it. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'].includes(systemCodeOf(error) ?? '')) {
      throw problemOf(error, `flush ${shown(folder)}`);
    }
  }
}
