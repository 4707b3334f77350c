import { posix } from 'node:path';
import { type InboxFolder, inboxFolders, type Placed } from '../../jobs/inbox-folders.ts';
import type { Job } from '../../jobs/schema.ts';
import { type Notice, type Remote, type RemoteFile, TransferError } from '../../model.ts';
import { isCandidateName, markerPattern, matchPattern } from '../../remotes/stable.ts';

/** What a file is called that lies in one: `remove/vip.csv`. */
export const calledIn = ({ side }: InboxFolder, name: string): string =>
  side === undefined ? name : `${side}/${name}`;

/** The same of a file of ours, in whose name a dot stands for the slash: `remove.vip.csv`. `undefined`: it lay in none of them. */
export function calledBefore(job: Placed, flat: string): string | undefined {
  for (const { side } of inboxFolders(job)) {
    if (side === undefined) return flat;
    if (flat.startsWith(`${side}.`)) return `${side}/${flat.slice(side.length + 1)}`;
  }
  return undefined;
}

/** What a file of this machine is called that was given by hand: the folder that it lies in counts, where that says what is to be done. */
export function calledByHand(job: Placed, path: string): string {
  const [name, folder] = [posix.basename(path), posix.basename(posix.dirname(path))];
  return inboxFolders(job).some(({ side }) => side === folder) ? `${folder}/${name}` : name;
}

/** A file that is given by hand lies in one of the folders, where these say what is to be done. Throws `USAGE` where it does not. */
export function mustLieInFolder(job: Placed, path: string): void {
  const sides = inboxFolders(job).flatMap(({ side }) => side ?? []);
  if (sides.length === 0 || calledByHand(job, path).includes('/')) return;
  const [name, folder] = [posix.basename(path), posix.basename(posix.dirname(path))];
  const allowed = sides.map((side) => `${side}/`).join(' or ');
  throw new TransferError(
    'USAGE',
    `--file: ${name} lies in ${folder}/, and the folder of a file of this job says what is to be done with its members: ${allowed}`,
    { hint: `put it into a folder of that name, such as ${sides[0]}/${name}; nothing was taken` },
  );
}

/** Whether a file of this name is an input of a job: it matches, and is neither a temporary file nor a manifest. */
export function inputsOf({ source }: Pick<Job, 'source'>): (name: string) => boolean {
  const matches = matchPattern(source.match);
  const isManifest = source.manifest ? markerPattern(source.manifest.name) : () => false;
  return (name) => isCandidateName(name) && matches(name) && !isManifest(name);
}

/** All that lies in the inbox, by folder. Files that lie beside the folders are told of: nobody takes them. */
export async function listInbox(
  remote: Remote,
  job: Pick<Job, 'source' | 'event'>,
  signal: AbortSignal,
): Promise<{ folders: (InboxFolder & { files: RemoteFile[] })[]; notices: Notice[] }> {
  const folders: (InboxFolder & { files: RemoteFile[] })[] = [];
  const notices: Notice[] = [];
  for (const each of inboxFolders(job)) {
    const found = await remote.list(each.folder, signal);
    folders.push({ ...each, files: found.files });
    notices.push(...found.notices);
  }
  if (folders.every(({ side }) => side === undefined)) return { folders, notices };
  const isInput = inputsOf(job);
  const { files } = await remote.list(job.source.inbox, signal);
  const beside = files.filter(({ name }) => isInput(name));
  if (beside.length > 0) {
    const more = beside.length === 1 ? '' : ` and ${beside.length - 1} more`;
    const message = `${beside[0]?.name ?? ''}${more} in ${job.source.inbox} ${beside.length === 1 ? 'was' : 'were'} not taken: files lie in ${folders.map(({ side }) => `${side}/`).join(' or ')}, which says what is to be done`;
    notices.push({ code: 'OUTSIDE_FOLDERS', message });
  }
  return { folders, notices };
}

/** Oldest first over all folders; of the same time removals before additions, so that who is in both stays. */
export function inOrder(job: Placed, files: readonly RemoteFile[]): RemoteFile[] {
  const sides = inboxFolders(job).map(({ side = '' }) => side);
  const sideOf = ({ name }: RemoteFile): number => sides.indexOf(posix.dirname(name));
  return [...files].sort(
    (a, b) => a.mtime - b.mtime || sideOf(a) - sideOf(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}
