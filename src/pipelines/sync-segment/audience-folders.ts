import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { AudienceFolders } from '../../destinations/extole/audiences/sftp.ts';
import type { AudienceFilesSettings } from '../../jobs/audience-files.ts';
import { type Io, type Remote, type RemoteFile, TransferError } from '../../model.ts';
import type { LoginWatch } from '../../remotes/login-watch.ts';
import { speaksOf } from '../files/by-file/dialect.ts';
import { type SharedRemote, shareRemote } from './shared-remote.ts';

/** The longest results file that is read: a line for each of at most a million members. */
const MOST_BYTES = 128 * 1024 * 1024;

/** What the folders of audiences are opened with. `staging`: a private folder of this machine. */
export interface FolderContext {
  io: Io;
  signal: AbortSignal;
  staging: string;
  logins?: LoginWatch;
  /** A connection of somebody else, who closes it. */
  remote?: SharedRemote;
}

/** Extole's folders on its SFTP server, connected to when the first file is put. */
export function openAudienceFolders(settings: AudienceFilesSettings['sftp'], ctx: FolderContext): AudienceFolders {
  const connection = ctx.remote ?? shareRemote(settings, ctx);
  const remote = (): Promise<Remote> => connection.remote();

  async function filesOf(folder: string, signal: AbortSignal): Promise<RemoteFile[]> {
    try {
      return (await (await remote()).list(folder, signal)).files;
    } catch (error) {
      // Extole makes these folders when it needs them.
      if (error instanceof TransferError && /^NO_SUCH_/.test(error.code)) return [];
      throw error;
    }
  }

  /** Whether Extole has or had a file of the name. */
  async function isTaken(folder: string, name: string, signal: AbortSignal): Promise<boolean> {
    if (await (await remote()).stat(posix.join(folder, name))) return true;
    for (const beside of [settings.archive, settings.results])
      if ((await filesOf(below(folder, beside), signal)).some((file) => speaksOf(file.name, name))) return true;
    return false;
  }

  return {
    async put(folder, name, contents, signal) {
      if (await isTaken(folder, name, signal)) return false;
      const staged = join(ctx.staging, 'audiences');
      const path = join(staged, name);
      await mkdir(staged, { recursive: true, mode: 0o700 });
      try {
        await writeFile(path, contents, { mode: 0o600 });
        const sha256 = createHash('sha256').update(contents).digest('hex');
        const local = { path, size: Buffer.byteLength(contents), sha256 };
        const published = await (await remote()).publish(posix.join(folder, name), local, { once: true });
        return posix.basename(published) === name;
      } finally {
        await rm(path, { force: true });
      }
    },
    async results(folder, name, signal) {
      const files = (await filesOf(below(folder, settings.results), signal)).filter((file) =>
        speaksOf(file.name, name),
      );
      const texts: string[] = [];
      for (const file of files) {
        if (file.size > MOST_BYTES) throw tooLarge(file);
        texts.push(await textOf(await remote(), file, signal));
      }
      return texts;
    },
    async close() {
      if (!ctx.remote) await connection[Symbol.asyncDispose]();
    },
  };
}

const below = (folder: string, path: string): string => (path.startsWith('/') ? path : posix.join(folder, path));

function tooLarge({ name, size }: RemoteFile): TransferError {
  const message = `the results file ${name} has ${size} bytes, and at most ${MOST_BYTES} are read`;
  return new TransferError('RESULTS_UNREADABLE', message, { hint: 'lower membersPerFile, and move the file away' });
}

async function textOf(remote: Remote, file: RemoteFile, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of remote.read(file, signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
