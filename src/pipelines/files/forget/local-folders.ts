import { existsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inboxFolders } from '../../../jobs/inbox-folders.ts';
import { outboxesOf } from '../../../jobs/outboxes.ts';
import type { Job } from '../../../jobs/schema.ts';
import { isHalfWritten, rewriteResults, rewriteText } from './rewrite-results.ts';
import { bytesOf, type Search } from './search.ts';

export interface LocalSearch {
  /** Results files out of which the person's rows went, or would go. */
  results: { path: string; rows: number }[];
  /** Reports in which the address stood. */
  reports: string[];
  /** Files of this machine that hold the person and are not ours to change. */
  left: string[];
  /** Results that nobody but their reader can open. */
  encrypted: { folder: string; files: number }[];
}

const RESULTS = /\.results(?:\.r\d+)*\.(?:csv|psv|tsv|txt|jsonl)$/i;
const ENCRYPTED = /\.results(?:\.r\d+)*\.[a-z]+(?:\.[0-9a-f]+)?\.pgp$/i;
const REPORT = /\.(?:csv|json|html)$/i;

export interface LocalOptions {
  jobs: readonly Job[];
  search: Search;
  dryRun: boolean;
  crashPoint: (name: string) => void;
}

/** Goes through the folders of jobs whose source is a folder of this machine, and through what waits for an upload by hand. */
export async function forgetLocal(options: LocalOptions): Promise<LocalSearch> {
  const found: LocalSearch = { results: [], reports: [], left: [], encrypted: [] };
  const seen = new Set<string>();
  const each = async (folder: string, look: (path: string) => Promise<void>): Promise<void> => {
    if (seen.has(folder)) return;
    seen.add(folder);
    for (const path of await filesIn(folder)) await look(path);
  };
  const ours = (folder: string, look: (path: string) => Promise<void>): Promise<void> =>
    each(folder, async (path) => {
      if (!isHalfWritten(path)) await look(path);
      else if (!options.dryRun) await rm(path, { force: true });
    });
  const leave = async (path: string): Promise<void> => {
    if (await options.search.inStream(bytesOf(path))) found.left.push(path);
  };
  for (const job of options.jobs) {
    const root = localRoot(job);
    if (root !== undefined) {
      const at = (folder: string): string => posix.resolve(root, folder);
      await ours(at(job.report.to), (path) => lookAtResults(path, found, options));
      await ours(at(job.report.reports), (path) => lookAtReport(path, found, options));
      const { archive, refused, processing, inbox } = job.source;
      const sides = inboxFolders(job).map(({ folder }) => folder);
      for (const folder of [archive, refused, processing, inbox, ...sides]) await each(at(folder), leave);
    }
    for (const folder of localOutboxes(job)) await each(folder, leave);
    const byHand = job.destination.extole.folder?.path;
    if (byHand !== undefined) await each(byHand, leave);
  }
  return found;
}

/** Folders of this machine into which files of share links, or of members, are put: what lies there is for others. */
function localOutboxes(job: Job): string[] {
  return outboxesOf(job)
    .flatMap(({ urls }) => urls)
    .flatMap((url) => (url.startsWith('file:') ? [posix.normalize(fileURLToPath(url))] : []));
}

/** The folder that a job's others lie in; `undefined` where they are on a server. */
export function localRoot({ source }: Job): string | undefined {
  return source.url.startsWith('file:') ? posix.normalize(fileURLToPath(source.url)) : undefined;
}

async function lookAtResults(path: string, found: LocalSearch, options: LocalOptions): Promise<void> {
  const { search, dryRun, crashPoint } = options;
  if (ENCRYPTED.test(path)) {
    const folder = posix.dirname(path);
    const known = found.encrypted.find((each) => each.folder === folder);
    if (known) known.files++;
    else found.encrypted.push({ folder, files: 1 });
    return;
  }
  if (!(await search.inStream(bytesOf(path)))) return;
  if (!RESULTS.test(path)) {
    found.left.push(path);
    return;
  }
  const rows = await rewriteResults(path, search, dryRun);
  found.results.push({ path, rows });
  if (!dryRun) crashPoint('results-forgotten');
}

async function lookAtReport(path: string, found: LocalSearch, { search, dryRun }: LocalOptions): Promise<void> {
  if (!(await search.inStream(bytesOf(path)))) return;
  if (!REPORT.test(path)) {
    found.left.push(path);
    return;
  }
  found.reports.push(path);
  if (!dryRun) await rewriteText(path, search);
}

/** Regular files, hidden ones too: one of ours that was half written is one of them. Links are not followed. */
async function filesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const paths: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    if ((await lstat(path)).isFile()) paths.push(path);
  }
  return paths;
}
