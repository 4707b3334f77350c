import { posix } from 'node:path';
import { isEvents } from '../mapping/compile.ts';
import { checkCustomers, checkDeliveredMembers } from './check-delivered.ts';
import { checkOutboxes, takesFiles } from './check-links.ts';
import { checkMemberFolders, checkSharedLists, keptByBoth } from './check-members.ts';
import { inboxFolders } from './inbox-folders.ts';
import { checkInboxes } from './outboxes.ts';
import { patternsOverlap } from './overlap.ts';
import { placeOf } from './places.ts';
import type { Path } from './references.ts';
import { remoteFindings } from './remote-findings.ts';
import type { Job } from './schema.ts';

/** Something wrong in a job that is well-formed by itself, or with two jobs together. */
export interface Finding {
  job: Job;
  path: Path;
  message: string;
  hint?: string;
  severity: 'error' | 'warning';
}

/** Lanes that write the rows into a file of their own first. */
const UPLOADING: ReadonlySet<string> = new Set(['sftp', 'batch', 'folder']);

/** Everything that can be wrong with jobs beyond the form of each; needs no network and no ledger. `unread`: ids of job files whose form is wrong. */
export function checkJobs(jobs: readonly Job[], unread: ReadonlySet<string> = new Set()): Finding[] {
  const delivered = jobs.flatMap((job) => {
    if (job.pipeline === 'export-share-links') return checkCustomers(job, jobs, unread);
    return job.pipeline === 'sync-segment' ? checkDeliveredMembers(job, jobs, unread) : [];
  });
  return [...jobs.flatMap(checkAlone), ...delivered, ...pairs(jobs).flatMap(([a, b]) => checkPair(a, b))];
}

function checkAlone(job: Job): Finding[] {
  const findings = remoteFindings(job, ['source'], job.source);
  if (job.pipeline === 'sync-segment') findings.push(...checkMemberFolders(job), ...checkSharedLists(job));
  const { sftp } = job.destination.extole;
  if (sftp) findings.push(...remoteFindings(job, sftpOf(job), sftp));
  if (sftp && job.destination.extole.lane === 'sftp') findings.push(...ignoredFolder(job, sftp.url));
  const { inbox, archive, processing, refused } = job.source;
  const folders = { archive, processing, refused, results: job.report.to, reports: job.report.reports };
  for (const [role, folder] of Object.entries(folders)) {
    const taken = [inbox, ...inboxFolders(job).map((its) => its.folder)];
    const same = taken.find((each) => posix.normalize(each) === posix.normalize(folder));
    if (same === undefined) continue;
    const path = role === 'results' ? ['report', 'to'] : role === 'reports' ? ['report', 'reports'] : ['source', role];
    const what = same === inbox ? 'the inbox' : 'a folder of the inbox';
    const message = `the ${role} folder is ${what} (${same}); what is put there would be taken as input again`;
    findings.push({ job, path, message, hint: 'name another folder', severity: 'error' });
  }
  for (const role of ['archive', 'refused', 'results', 'reports'] as const) {
    if (folders[role] !== processing) continue;
    const message = `processing and ${role} are the same folder (${processing}); files in work must be apart from finished ones`;
    findings.push({ job, path: ['source', 'processing'], message, hint: 'name another folder', severity: 'error' });
  }
  const { lane } = job.destination.extole;
  if (job.file.pgp && !job.file.pgp.allowPlaintextUploads && UPLOADING.has(lane)) {
    findings.push({
      job,
      path: ['file', 'pgp'],
      message: `the files come encrypted, and the lane ${lane} uploads a file, which lies decrypted on this machine until then`,
      hint: 'choose the lane events or async-events, or say file.pgp.allowPlaintextUploads: true',
      severity: 'error',
    });
  }
  findings.push(...checkInboxes(job, job, fileOf));
  if (job.pipeline === 'export-share-links') findings.push(...checkOutboxes(job));
  if (!isEvents(job.event)) return findings;
  for (const person of ['email', 'partner_user_id']) {
    if (job.event.data[person]?.from !== job.event.key.from) continue;
    findings.push({
      job,
      path: ['event', 'key'],
      message: `the key is the column that is also sent as ${person}: each person could then have one ${job.event.name ?? 'event'} only`,
      hint: 'use the id of the account, order or application; if a person can indeed have only one, leave it',
      severity: 'warning',
    });
  }
  return findings;
}

/** Where a job file has the server that whole files go to. */
function sftpOf(job: Job): Path {
  return job.pipeline === 'export-share-links' ? ['links', 'bulk', 'sftp'] : ['destination', 'extole', 'sftp'];
}

/** Folders of Extole's server whose files become events. */
const READ_BY_EXTOLE = ['events', 'conversions'];

function ignoredFolder(job: Job, url: string): Finding[] {
  const folder = decodeURIComponent(posix.basename(new URL(url).pathname));
  if (READ_BY_EXTOLE.includes(folder)) return [];
  return [
    {
      job,
      path: [...sftpOf(job), 'url'],
      message: `files go into the folder "${folder}"; Extole reads events from ${READ_BY_EXTOLE.join(' and ')}, and ignores files elsewhere without a word`,
      hint: 'end the url with /events, unless Extole has set another folder up for you',
      severity: 'warning',
    },
  ];
}

const sameInbox = (a: Job, b: Job): boolean =>
  inboxFolders(a).some((its) => inboxFolders(b).some(({ folder }) => sameFolder(a, its.folder, b, folder)));

function checkPair(a: Job, b: Job): Finding[] {
  const findings: Finding[] = [];
  const both = (path: Path, message: (other: Job) => string, hint: string) => {
    findings.push({ job: a, path, message: message(b), hint, severity: 'error' });
    findings.push({ job: b, path, message: message(a), hint, severity: 'error' });
  };
  if (a.id === b.id) {
    both(['id'], (other) => `the id ${a.id} is also that of ${fileOf(other)}`, 'give each job an id of its own');
  }
  const shared = (a.source.shared && b.source.shared) || !takesFiles(a) || !takesFiles(b);
  if (!shared && sameInbox(a, b) && patternsOverlap(a.source.match, b.source.match)) {
    both(
      ['source', 'match'],
      (other) => `the same files may match ${other.source.match} of ${fileOf(other)}, which reads the same inbox`,
      'narrow one of the patterns, or say shared: true in both jobs',
    );
  }
  const kept = a.pipeline === 'sync-segment' && b.pipeline === 'sync-segment' ? keptByBoth(a, b) : undefined;
  if (kept !== undefined) {
    both(
      ['segments'],
      (other) => `${kept.what} is also kept by ${fileOf(other)}: ${kept.harm}`,
      'keep it in one of the jobs only, or give it another id and name in one of them',
    );
  }
  for (const [job, other] of [
    [a, b],
    [b, a],
  ] as const) {
    if (!takesFiles(other)) continue;
    findings.push(...checkInboxes(job, other, fileOf));
    const { archive, processing, refused } = job.source;
    const folders = { archive, processing, refused, results: job.report.to, reports: job.report.reports };
    for (const [role, folder] of Object.entries(folders)) {
      if (!inboxFolders(other).some((its) => sameFolder(job, folder, other, its.folder))) continue;
      const path =
        role === 'results' ? ['report', 'to'] : role === 'reports' ? ['report', 'reports'] : ['source', role];
      const message = `the ${role} folder is the inbox of ${fileOf(other)}`;
      findings.push({ job, path, message, hint: 'name another folder', severity: 'error' });
    }
  }
  return findings;
}

/** Jobs that the ledger knows open rows of, and that no job file has any more. */
export function checkVanished(
  jobs: readonly Job[],
  known: readonly { job: string; open: number }[],
): { job: string; message: string; hint: string }[] {
  const ids = new Set(jobs.map(({ id }) => id));
  return known
    .filter(({ job, open }) => open > 0 && !ids.has(job))
    .map(({ job, open }) => ({
      job,
      message: `no job file has the id ${job}, which has ${open} open row${open === 1 ? '' : 's'}`,
      hint: `if the file was renamed, write id: ${job} into it`,
    }));
}

function sameFolder(a: Job, folderA: string, b: Job, folderB: string): boolean {
  return placeOf(a, folderA) === placeOf(b, folderB);
}

function fileOf(job: Job): string {
  return posix.basename(job.path);
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.flatMap((item, index) => items.slice(index + 1).map((other): [T, T] => [item, other]));
}
