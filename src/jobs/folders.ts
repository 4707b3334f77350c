import { posix } from 'node:path';

interface Folders {
  source: { url: string; inbox?: string | undefined; archive: string; processing: string; refused: string };
  report: { to: string; reports: string };
}

/**
 * Makes the folder that holds the inbox the root of the remote, so that archive, results and the others can be its
 * siblings without a path that climbs. `sftp://host/in/box` becomes `sftp://host/in` with the inbox `box`.
 */
export function resolveFolders<Job extends Folders>(job: Job) {
  const { url, inbox } =
    job.source.inbox === undefined ? splitUrl(job.source.url) : { ...job.source, inbox: job.source.inbox };
  const base = posix.dirname(posix.normalize(inbox));
  const beside = (folder: string) => (folder.startsWith('/') ? posix.normalize(folder) : posix.join(base, folder));
  return {
    ...job,
    source: {
      ...job.source,
      url,
      inbox: trimmed(posix.normalize(inbox)),
      archive: trimmed(beside(job.source.archive)),
      processing: trimmed(beside(job.source.processing)),
      refused: trimmed(beside(job.source.refused)),
    },
    report: { ...job.report, to: trimmed(beside(job.report.to)), reports: trimmed(beside(job.report.reports)) },
  };
}

function trimmed(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** The url of the parent folder, and the last folder's name; `.` where there is no parent to go to. */
export function splitUrl(text: string): { url: string; inbox: string } {
  const url = new URL(text);
  const path = url.pathname.replace(/\/+$/, '');
  const cut = path.lastIndexOf('/');
  const last = path.slice(cut + 1);
  if (last === '' || path === '/~') return { url: text, inbox: '.' };
  url.pathname = path.slice(0, cut) || '/';
  return { url: url.href, inbox: decodeURIComponent(last) };
}
