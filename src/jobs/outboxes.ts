import type { Finding } from './check.ts';
import { takesFiles } from './check-links.ts';
import { inboxFolders } from './inbox-folders.ts';
import { placeOf, placeOfUrl } from './places.ts';
import type { Path } from './references.ts';
import type { Job } from './schema.ts';

interface Outbox {
  /** Where the job file names it. */
  path: Path;
  /** Of all its folders. */
  urls: string[];
  what: string;
}

/** Folders into which a job puts files for others. */
export function outboxesOf(job: Job): Outbox[] {
  if (job.pipeline === 'export-share-links')
    return job.exports.flatMap(({ to }, i) =>
      to ? [{ path: ['exports', i, 'to', 'url'], urls: [to.url], what: 'links' }] : [],
    );
  if (job.pipeline !== 'sync-segment') return [];
  const { files, extoleFiles } = job.target;
  const found: Outbox[] = [];
  if (files) found.push({ path: ['target', 'files', 'to', 'url'], urls: [files.to.url], what: 'members' });
  if (extoleFiles) {
    const { url } = extoleFiles.sftp;
    const folders = Object.values(extoleFiles.audiences).flatMap((id) => [`${id}/add`, `${id}/remove`]);
    const urls = [url, ...folders.map((folder) => `${url.replace(/\/+$/, '')}/${folder}`)];
    found.push({ path: ['target', 'extoleFiles', 'sftp', 'url'], urls, what: 'members' });
  }
  return found;
}

/** Outboxes of a job in which another one, or itself, would take the files for its input. `fileOf`: what the other one is called. */
export function checkInboxes(job: Job, other: Job, fileOf: (job: Job) => string): Finding[] {
  if (job !== other && !takesFiles(other)) return [];
  const inboxes = new Set(inboxFolders(other).map(({ folder }) => placeOf(other, folder)));
  return outboxesOf(job)
    .filter(({ urls }) => urls.some((url) => inboxes.has(placeOfUrl(url))))
    .map(({ path, what }) => {
      const whose = job === other ? 'this job' : fileOf(other);
      const message = `the outbox is the inbox of ${whose}; files of ${what} would be taken for its input`;
      return { job, path, message, hint: 'name another folder', severity: 'error' };
    });
}
