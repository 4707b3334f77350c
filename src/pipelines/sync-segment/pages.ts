import type { SegmentsJob } from '../../jobs/schema.ts';
import { HEAP_COLUMNS } from '../../jobs/sync-segment.ts';
import { changesOf, heldOfGathered, pagesOf, type ReceivedPage, takenUp } from '../../ledger/received-pages.ts';
import { confirmedMembers } from '../../ledger/segment-members.ts';
import { findSegment } from '../../ledger/segments.ts';
import { isMembers } from '../../mapping/compile.ts';
import { compileMemberKey } from '../../mapping/members.ts';
import type { Notice } from '../../model.ts';
import { PARTS } from '../../segments/spool.ts';
import type { RunContext } from '../files/context.ts';
import { type GatheringContext, gatherFile } from '../files/gathered.ts';
import type { GatheredFile } from '../files/pipeline.ts';
import { underWay } from './under-way.ts';

type PagesContext = GatheringContext & Pick<RunContext, 'destinationId'>;

/**
 * Writes down what the pages that Heap posted change, all in all, as a file of changes to be taken: each member once. Pages count as taken up
 * once it is staged; a gathering that is cut short begins anew. While changes before them are held, pages of a segment wait: what a person is to
 * decide about must not be overtaken. So do pages with a drain while anything before them is open: whom that still adds is confirmed later, and
 * would stay.
 */
export async function gatherPages(
  ctx: PagesContext,
  job: SegmentsJob,
): Promise<{ file?: GatheredFile; notices: readonly Notice[] }> {
  const { ledger, io } = ctx;
  const waiting = pagesOf(ledger, job.id);
  const notices = strangers(waiting, job);
  const begin = `${job.id}-heap-`;
  const held = heldOfGathered(ledger, job.id, begin);
  const isHeld = ({ segment }: ReceivedPage): boolean => held === 'all' || held.has(segment);
  const ours = waiting.filter(({ segment }) => Object.hasOwn(job.segments, segment));
  const free = ours.filter((page) => !isHeld(page));
  const left = ours.length - free.length;
  if (left > 0) {
    const message = `${left} pages of Heap wait: the changes before them are held; referry held shows them`;
    notices.push({ code: 'PAGES_WAIT', message });
  }
  const behind = drainsBehind(ctx, job, free);
  for (const [name, what] of behind)
    notices.push({
      code: 'PAGES_WAIT',
      message: `Heap deleted ${job.segments[name] ?? name}, and its pages wait: ${what} is not through yet`,
    });
  const pages = free.filter(({ segment }) => !behind.has(segment));
  if (pages.length === 0) return { notices };
  const rejected = pages.reduce((sum, page) => sum + page.rejected, 0);
  if (rejected > 0) {
    const message = `Heap posted ${rejected} members without an id, or with one of more than 255 characters; they are in no row`;
    notices.push({ code: 'MEMBERS_WITHOUT_ID', message });
  }
  const { segment, action, id } = HEAP_COLUMNS;
  const { file, rows } = await gatherFile(
    ctx,
    { job: job.id, begin, folder: 'pages', taken: () => takenUp(ledger, pages, io.now()) },
    { columns: [segment, action, id, 'pages'], batches: batchesOf(rowsOf(ctx, job, pages)) },
  );
  if (!file) return { notices };
  io.log.info({ job: job.id, file: file.name, pages: pages.length, rows }, 'pages of Heap were taken up');
  return { file, notices };
}

/** Segments with a drain that must not be gathered yet, and what it waits for. */
function drainsBehind(ctx: PagesContext, { id }: SegmentsJob, pages: readonly ReceivedPage[]): Map<string, string> {
  const drained = new Set(pages.flatMap(({ kind, segment }) => (kind === 'drain' ? [segment] : [])));
  return new Map(
    [...drained].flatMap((segment): [string, string][] => {
      const what = underWay(ctx, id, segment);
      return what === undefined ? [] : [[segment, what]];
    }),
  );
}

/** Segments that Heap posts and the job does not name: their pages wait, until it does or time is over. */
function strangers(pages: readonly ReceivedPage[], job: SegmentsJob): Notice[] {
  const unknown = new Map<string, { name: string; pages: number }>();
  for (const { segment, segmentName } of pages) {
    if (Object.hasOwn(job.segments, segment)) continue;
    unknown.set(segment, { name: segmentName, pages: (unknown.get(segment)?.pages ?? 0) + 1 });
  }
  return [...unknown].map(([segment, { name, pages: n }]) => ({
    code: 'SEGMENT_UNLISTED',
    message: `Heap posted ${n} page${n === 1 ? '' : 's'} of the segment ${segment} (${name}), which is not among segments of the job: name it there`,
  }));
}

const BATCH = 1000;

function* batchesOf(rows: Iterable<string[]>): Generator<string[][]> {
  let batch: string[][] = [];
  for (const row of rows) {
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function* rowsOf(ctx: PagesContext, job: SegmentsJob, pages: readonly ReceivedPage[]): Generator<string[]> {
  // A file is its contents: without them, who came, went and comes again would not come again.
  const numbers = pages.map((page) => page.id).sort((a, b) => a - b);
  const of = `${numbers[0]}-${numbers.at(-1)}`;
  for (const segment of Object.keys(job.segments)) {
    const its = pages.filter((page) => page.segment === segment);
    for (const [action, member] of changesIn(ctx, job, segment, its)) yield [segment, action, member, of];
  }
}

/** After a drain, everybody is removed who is confirmed, but for those who were added since. */
function* changesIn(
  { ledger, destinationId }: PagesContext,
  job: SegmentsJob,
  segment: string,
  pages: readonly ReceivedPage[],
): Generator<[action: 'add' | 'remove' | 'drain', member: string]> {
  if (pages.length === 0) return;
  const drained = pages.some(({ kind }) => kind === 'drain');
  const known = drained ? findSegment(ledger, destinationId, segment) : undefined;
  const after = new Set<string>();
  const keyOf = isMembers(job.event) ? compileMemberKey(job.event) : String;
  for (const { member, removed } of changesOf(ledger, job.id, segment, pages, keyOf)) {
    if (known) after.add(keyOf(member));
    yield [removed ? 'remove' : 'add', member];
  }
  if (!known) return;
  const confirmed = confirmedMembers(ledger, known.id);
  for (let part = 0; part < PARTS; part++)
    for (const member of confirmed(part)) if (!after.has(member)) yield ['drain', member];
}
