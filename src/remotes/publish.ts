import { TransferError } from '../model.ts';
import { revisionOf, shown, TEMPORARIES, temporaryOf } from './names.ts';

/** A whole local file to put on the remote. */
export interface LocalFile {
  path: string;
  size: number;
  sha256: string;
}

/** What a publication needs of a place; how each is done differs between SFTP and a folder. */
export interface Shelf {
  /** By lstat. */
  look(path: string): Promise<{ kind: 'absent' | 'folder' | 'other' } | { kind: 'file'; size: number }>;
  sha256(path: string): Promise<string>;
  /** Creates the temporary file (a leftover of ours is replaced), flushes it, and throws unless it has all bytes. */
  write(temporary: string, local: LocalFile): Promise<void>;
  /** Gives the temporary file its name; never replaces. `exists` where the name is taken. */
  rename(temporary: string, target: string): Promise<'done' | 'exists'>;
  /** Replaces atomically; `unsupported` where the place cannot. */
  replace(temporary: string, target: string): Promise<'done' | 'unsupported'>;
  remove(path: string): Promise<void>;
}

/** So many files of one name with different contents are a mistake somewhere, not a use. */
const MOST_REVISIONS = 99;

/**
 * Puts a file in place as `Remote.publish` promises. A target is never deleted to make room: whoever polls the folder
 * sees the old file or the new one, whole.
 */
export async function publishTo(shelf: Shelf, path: string, local: LocalFile, replace: boolean): Promise<string> {
  const temporary = temporaryOf(path, local.sha256);
  let written: string | undefined;
  try {
    let revision = 1;
    for (let looks = 0; revision <= MOST_REVISIONS && looks < 2 * MOST_REVISIONS; looks++) {
      const target = revision === 1 ? path : revisionOf(path, revision);
      const there = await shelf.look(target);
      if (there.kind === 'folder') throw targetIsFolder(target);
      if (there.kind === 'file' && there.size === local.size && (await shelf.sha256(target)) === local.sha256) {
        await discard(shelf, path, local, written);
        return target;
      }
      if (there.kind !== 'absent' && !replace) {
        revision++;
        continue;
      }
      if (written === undefined) {
        written = await freeTemporary(shelf, path, local);
        await shelf.write(written, local);
        if (written !== temporary) await removeLeftovers(shelf, path, local, written);
      }
      const placed =
        there.kind === 'absent' ? await shelf.rename(written, target) : await shelf.replace(written, target);
      if (placed === 'done') return target;
      if (placed === 'unsupported') revision++;
      // Otherwise somebody else took the name between the look and the rename: look at it again.
    }
  } catch (error) {
    // Temporary files are ours; where even removing them fails, the next publication of these bytes does it.
    await discard(shelf, path, local, written).catch(() => {});
    throw error;
  }
  await discard(shelf, path, local, written);
  throw new TransferError(
    'TARGET_EXISTS',
    `${shown(path)} and ${MOST_REVISIONS - 1} revisions of it exist with other contents`,
    {
      hint: 'move the older revisions away',
    },
  );
}

/**
 * A name under which nothing lies. What lies there is an earlier attempt's, which may have asked to rename it just before the
 * connection was lost: a server may do so yet, and must then find the whole file or none, not the beginning of ours.
 */
async function freeTemporary(shelf: Shelf, path: string, local: LocalFile): Promise<string> {
  for (let attempt = 0; attempt < TEMPORARIES; attempt++) {
    const temporary = temporaryOf(path, local.sha256, attempt);
    if ((await shelf.look(temporary)).kind === 'absent') return temporary;
  }
  return temporaryOf(path, local.sha256);
}

/** Removes what earlier attempts left, before ours is shown: a rename of theirs that comes late then finds nothing. */
async function removeLeftovers(shelf: Shelf, path: string, local: LocalFile, but?: string): Promise<void> {
  for (let attempt = 0; attempt < TEMPORARIES; attempt++) {
    const temporary = temporaryOf(path, local.sha256, attempt);
    if (temporary === but) continue;
    if ((await shelf.look(temporary)).kind === 'absent') return;
    await shelf.remove(temporary);
  }
}

async function discard(shelf: Shelf, path: string, local: LocalFile, written: string | undefined): Promise<void> {
  if (written !== undefined) await shelf.remove(written);
  await removeLeftovers(shelf, path, local);
}

/** Writes a file under its own name at once, for places that let nobody rename. Repeating it with the same bytes is harmless. */
export async function publishDirectly(shelf: Shelf, path: string, local: LocalFile): Promise<string> {
  const there = await shelf.look(path);
  if (there.kind === 'folder') throw targetIsFolder(path);
  if (there.kind === 'file' && there.size === local.size && (await shelf.sha256(path)) === local.sha256) return path;
  await shelf.write(path, local);
  return path;
}

function targetIsFolder(target: string): TransferError {
  return new TransferError('TARGET_IS_DIRECTORY', `${shown(target)} is a folder, a file was to be put there`, {
    hint: 'rename the folder, or choose another name or folder for this file in the job',
  });
}

/** The connection was lost, or cut because no answer came: what was asked for may be done. */
const NO_ANSWER = new Set(['SFTP_DISCONNECTED', 'SFTP_STALLED', 'SFTP_CLOSED']);

/**
 * A shelf on which a file is put once: where the answer to the last step is lost, that step may have been done and the file taken
 * away since, so that looking for it proves nothing. `last`: the step that makes the file visible; `before` is called before it.
 */
export function onceOnly(shelf: Shelf, last: 'rename' | 'write', before: true | (() => void)): Shelf {
  const uncertain = (error: unknown, target: string): unknown =>
    error instanceof TransferError && NO_ANSWER.has(error.code)
      ? new TransferError('PUBLISH_UNCERTAIN', `the connection was lost while ${shown(target)} was put in place`, {
          retryable: true,
          cause: error,
          hint: 'the next run looks for the file before it sends it again',
        })
      : error;
  return {
    ...shelf,
    async rename(temporary, target) {
      if (last === 'rename' && before !== true) before();
      try {
        return await shelf.rename(temporary, target);
      } catch (error) {
        throw last === 'rename' ? uncertain(error, target) : error;
      }
    },
    async write(temporary, local) {
      if (last === 'write' && before !== true) before();
      try {
        await shelf.write(temporary, local);
      } catch (error) {
        throw last === 'write' ? uncertain(error, temporary) : error;
      }
    },
  };
}
