import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeliveredMembers, fieldOfMember } from '../../jobs/member-sources.ts';
import { idKindOf } from '../../jobs/member-targets.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import { DELIVERED_COLUMN } from '../../jobs/sync-segment.ts';
import { agedNow } from '../../ledger/clock.ts';
import type { Ledger } from '../../ledger/open.ts';
import { type FileInWindow, filesInWindow, isToldAlready, unsureSinceRestore } from '../../ledger/segment-source.ts';
import { findSegment } from '../../ledger/segments.ts';
import { MEMBER_LIMIT } from '../../mapping/member-settings.ts';
import { FileRefused, type Notice, TransferError } from '../../model.ts';
import { unlockPgpKeys } from '../../parsing/pgp-keys.ts';
import { createMemberSpool, type MemberSpool, PARTS } from '../../segments/spool.ts';
import { type RunContext, stagedPaths } from '../files/context.ts';
import { deliveredRows } from '../files/delivered-rows.ts';
import { windowOf } from '../files/delivered-window.ts';
import { sweepGathered, writeGathered } from '../files/gathered.ts';
import type { GatheredFile } from '../files/pipeline.ts';
import { stagingProblem } from '../files/stage.ts';
import { scratchOf } from './sync-context.ts';

/** What the gathering of members needs of a run. */
type DeliveredContext = Pick<
  RunContext,
  'ledger' | 'io' | 'signal' | 'staging' | 'destinationId' | 'progress' | 'crashPoint'
>;

/** The people of a window, as far as the ledger tells: the files with their rows, and what a list of them is called. */
interface DeliveredPeople {
  files: FileInWindow[];
  /** ISO 8601: the first moment of the window. */
  since: string;
  /** The same as long as nobody comes or goes: of the job, the day, and a hash of what the window and the files are. */
  name: string;
}

const NO_LINE_END = /^[^\r\n]+$/;

/**
 * Writes down who was delivered lately, as a snapshot to be taken like a file that was given by hand; a job whose newest file says the same takes
 * none. A gathering that is cut short begins anew. Throws `MEMBERS_PRUNED`, `MEMBERS_UNSURE`, `MEMBERS_UNREADABLE` where not all of them can be
 * known: a smaller snapshot would remove those who are missing in it.
 */
export async function gatherDelivered(
  ctx: DeliveredContext,
  job: SegmentsJob,
): Promise<{ file?: GatheredFile; notices: readonly Notice[] }> {
  const { io, staging } = ctx;
  const people = findDelivered(ctx, job);
  const { name } = people;
  const folder = scratchOf(staging);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await sweepGathered(ctx, { job: job.id, folder, begin: `${job.id}-delivered-` });
  const { path, rows, notices } = await writeSnapshot(ctx, job, people, folder).catch((error: unknown) => {
    throw stagingProblem(error, staging);
  });
  if (rows === 0 && path === undefined)
    io.log.info({ job: job.id }, 'nobody was delivered yet, so there is no segment to sync');
  if (path === undefined) return { notices };
  io.log.info({ job: job.id, file: name, members: rows, files: people.files.length }, 'members were gathered');
  return { file: { path, name, taken: () => rm(path, { force: true }) }, notices };
}

/**
 * Writes the snapshot that a run takes into a folder. Without `path` where it takes none: the newest file says the same, then there are no
 * `rows` either, or nobody is to be in a segment in which nobody ever was.
 */
export async function writeSnapshot(
  ctx: Parameters<typeof writeDelivered>[0] & { destinationId: number | undefined },
  job: SegmentsJob,
  people: DeliveredPeople,
  folder: string,
): Promise<{ path?: string; rows?: number; notices: readonly Notice[] }> {
  const { ledger, destinationId } = ctx;
  const [segment = ''] = Object.keys(job.segments);
  const { name } = people;
  const known = destinationId !== undefined;
  if (known && isToldAlready(ledger, { job: job.id, destinationId, segment, name })) return { notices: [] };
  const path = join(folder, name);
  const written = await writeDelivered(ctx, job, people, path);
  ctx.crashPoint('members-gathered');
  const syncedAt = known ? findSegment(ledger, destinationId, segment)?.syncedAt : undefined;
  if (written.rows > 0 || typeof syncedAt === 'number') return { path, ...written };
  await rm(path, { force: true });
  return written;
}

/**
 * The window of a job and the files with its rows, from the ledger alone. Throws `MEMBERS_PRUNED` and `MEMBERS_UNSURE` as `gatherDelivered` does.
 * The window is of so many days, today included, and moves on at midnight.
 */
export function findDelivered(
  { ledger, io, staging }: { ledger: Pick<Ledger, 'db'>; io: Pick<RunContext['io'], 'now'>; staging: string },
  job: SegmentsJob,
): DeliveredPeople {
  const source = sourceOf(job);
  const { since, today } = windowOf(agedNow(ledger, io.now()), source.days, job.timezone);
  refuseUnsure(job, unsureSinceRestore(ledger, source.jobs));
  const files = filesInWindow(ledger, { ...source, since });
  const gone = files.filter(({ processing, pruned }) => pruned || !existsSync(stagedPaths(staging, processing).input));
  if (gone.length > 0) throw prunedError(job, source, gone);
  const { pgp: _, ...said } = source;
  const what = [
    said,
    idKindOf(job.target),
    job.segments,
    since,
    files.map(({ processing, rows }) => [processing, rows]),
  ];
  const hash = createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 8);
  return {
    files,
    since: new Date(since).toISOString(),
    name: `${job.id}-delivered-${today.replaceAll('-', '')}-${hash}.csv`,
  };
}

/** Writes a column of members, each once. Those who have no id that can be one are counted in a notice. */
async function writeDelivered(
  ctx: Pick<RunContext, 'ledger' | 'io' | 'signal' | 'staging' | 'progress' | 'crashPoint'>,
  job: SegmentsJob,
  { files, since, name }: DeliveredPeople,
  path: string,
): Promise<{ rows: number; notices: Notice[] }> {
  const source = sourceOf(job);
  const keys = source.pgp && (await unlockPgpKeys(source.pgp, ctx.io));
  const field = fieldOfMember(source, idKindOf(job.target));
  const spool = createMemberSpool(`${path}.spool`);
  let without = 0;
  try {
    for (const { rows: _, ...file } of files) {
      const paths = stagedPaths(ctx.staging, file.processing);
      const reading = { paths, keys, events: source.events, blank: () => void without++ };
      try {
        for await (const batch of deliveredRows(ctx, { ...file, after: Date.parse(since) - 1 }, reading))
          for (const data of batch) {
            const member = data[field]?.trim() ?? '';
            if (member.length <= MEMBER_LIMIT && NO_LINE_END.test(member)) spool.add(member);
            else without++;
          }
      } catch (error) {
        if (error instanceof FileRefused || (error instanceof TransferError && error.code === 'PGP_KEY_GONE'))
          throw unreadableError(file, error);
        throw error;
      }
    }
    const { rows } = await writeGathered(ctx, { columns: [DELIVERED_COLUMN], batches: sorted(spool) }, { path, name });
    return { rows, notices: without === 0 ? [] : [withoutId(without, field)] };
  } finally {
    spool.close();
  }
}

/** In an order that depends on the members alone, so that the same members are the same file. */
function* sorted(spool: MemberSpool): Generator<string[][]> {
  for (let part = 0; part < PARTS; part++) yield [...spool.part(part)].sort().map((member) => [member]);
}

function sourceOf({ id, members }: SegmentsJob): DeliveredMembers {
  if (members.ledger) return members.ledger;
  throw new Error(`the job ${id} takes no members of delivered rows`);
}

function refuseUnsure({ id }: SegmentsJob, unsure: readonly { job: string; rows: number }[]): void {
  const [first] = unsure;
  if (!first) return;
  const { job, rows } = first;
  const what =
    rows === 0
      ? `the ledger was restored, and ${job} has not looked yet at what it delivered in the lost time`
      : `the ledger was restored, and ${rows} row${rows === 1 ? '' : 's'} of ${job} wait${rows === 1 ? 's' : ''} for somebody to say whether they were delivered`;
  throw new TransferError('MEMBERS_UNSURE', `${what}; nothing was synced, since who is missing would be removed`, {
    retryable: true,
    hint:
      rows === 0
        ? `referry run ${job}, then referry run ${id}`
        : `referry held ${job} shows them; then referry run ${id}`,
  });
}

function prunedError({ id }: SegmentsJob, { days }: DeliveredMembers, gone: readonly FileInWindow[]): TransferError {
  const rows = gone.reduce((sum, file) => sum + file.rows, 0);
  const [{ name, job } = { name: '', job: '' }] = gone;
  const more = gone.length > 1 ? ` and ${gone.length - 1} more` : '';
  const message = `the people of ${rows} rows that were delivered in the last ${days} days cannot be known any more: the staged copy of ${name} (job ${job})${more} is gone, by retention or by \`referry forget\`, which takes the copy of a whole file; nothing was synced, since they would be removed`;
  return new TransferError('MEMBERS_PRUNED', message, {
    hint: `if retention.days of ${job} is less than ${days}, raise it, so that it does not happen again; until these rows are older than members.ledger.days, lower that, or give a file of all members: referry run ${id} --file PATH`,
  });
}

function unreadableError({ name, job }: { name: string; job: string }, error: Error & { code: string }): TransferError {
  const hint =
    error.code === 'PGP_KEY_GONE'
      ? 'it came encrypted: give members.ledger.pgp the private key'
      : `look at it with referry files ${job}; the next run tries again`;
  const message = `the delivered rows of ${name} (job ${job}) cannot be read: ${error.message}; nothing was synced, since their people would be removed`;
  return new TransferError('MEMBERS_UNREADABLE', message, { hint, cause: error });
}

function withoutId(rows: number, field: string): Notice {
  const message = `${rows} delivered row${rows === 1 ? ' names' : 's name'} no member: ${field} is missing there, or has more than ${MEMBER_LIMIT} characters`;
  return { code: 'MEMBERS_WITHOUT_ID', message };
}
