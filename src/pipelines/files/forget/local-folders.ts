import { existsSync } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inboxFolders } from '../../../jobs/inbox-folders.ts';
import { outboxesOf } from '../../../jobs/outboxes.ts';
import type { Job } from '../../../jobs/schema.ts';
import { PGP_HEAD, pgpForm } from '../../../parsing/pgp-packets.ts';
import { LOCAL } from '../stage.ts';
import { isHalfWritten, rewriteResults, rewriteText } from './rewrite-results.ts';
import { bytesOf, type Search } from './search.ts';

export interface LocalSearch {
  /** Results files out of which the person's rows went, or would go. */
  results: { path: string; rows: number }[];
  /** Reports in which the address stood. */
  reports: string[];
  /** Files of this machine that hold the person and are not ours to change. */
  left: string[];
  /** Files of this machine that may hold the person: nobody could read them. */
  doubtful: string[];
  /** Files that are not ours to change, and into which nobody looked, because they are packed or encrypted. */
  unopened: { folder: string; files: number }[];
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
  const found: LocalSearch = { results: [], reports: [], left: [], doubtful: [], unopened: [], encrypted: [] };
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
    else if (await isClosed(path)) addTo(found.unopened, path);
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

/**
 * Where a file lies on this machine, if it does: one of a job's folders, or one that was given on the command line. `path` is as in the ledger.
 */
export async function placeHere(job: Job | undefined, path: string): Promise<string | undefined> {
  const root = job && localRoot(job);
  const given = path.startsWith(LOCAL) ? path.slice(LOCAL.length) : undefined;
  const place = given ?? (root === undefined || path === '' ? undefined : posix.resolve(root, path));
  return place !== undefined && existsSync(place) && (await lstat(place)).isFile() ? place : undefined;
}

function addTo(folders: { folder: string; files: number }[], path: string): void {
  const folder = posix.dirname(path);
  const known = folders.find((each) => each.folder === folder);
  if (known) known.files++;
  else folders.push({ folder, files: 1 });
}

/** gzip, zip, bzip2, xz, Zstandard, 7z: no text begins so. */
const PACKED = /^(?:1f8b|504b0[357]|425a68|fd377a58|28b52ffd|377abcaf)/;

/** Whether a file says nothing as it stands. */
async function isClosed(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(PGP_HEAD), 0, PGP_HEAD, 0);
  const head = buffer.subarray(0, bytesRead);
  return PACKED.test(head.toString('hex', 0, 4)) || pgpForm(head) !== undefined;
}

async function lookAtResults(path: string, found: LocalSearch, options: LocalOptions): Promise<void> {
  const { search, dryRun, crashPoint } = options;
  if (ENCRYPTED.test(path)) {
    addTo(found.encrypted, path);
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
