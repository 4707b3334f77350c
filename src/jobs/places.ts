import { posix } from 'node:path';
import { splitUrl } from './folders.ts';
import type { Job } from './schema.ts';

/** Machine and folder, whoever logs in. */
export function placeOf(job: Job, folder: string): string {
  return placeAt(job.source.url, folder);
}

function placeAt(text: string, folder: string): string {
  const url = new URL(text);
  const port = url.protocol === 'sftp:' ? url.port || '22' : '';
  const root = decodeURIComponent(url.pathname);
  const path = folder.startsWith('/') ? folder : posix.join('/', root, folder);
  // The login folder of one user is not that of another.
  const user = root.startsWith('/~') && !folder.startsWith('/') ? url.username : '';
  return `${url.protocol}//${user}@${url.hostname}:${port}${posix.normalize(path).replace(/(.)\/$/, '$1')}`;
}

/** The same of the folder that a URL names. */
export function placeOfUrl(text: string): string {
  const { url, inbox } = splitUrl(text);
  return placeAt(url, inbox);
}
