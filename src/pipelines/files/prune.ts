import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Job } from '../../jobs/schema.ts';
import { processingsToPrune } from '../../ledger/age.ts';
import { agedNow, noticeClock } from '../../ledger/clock.ts';
import { exportsOnTheirWay } from '../../ledger/exports.ts';
import { pathsNotStaged } from '../../ledger/link-sources.ts';
import type { Ledger } from '../../ledger/open.ts';
import { emptyWriteAheadLog, isRewriteOwed, overwriting, oweRewrite, rewriteLedger } from '../../ledger/overwrite.ts';
import { updateProcessing } from '../../ledger/processings.ts';
import {
  beginKeysPruned,
  countOldRecords,
  deleteKeys,
  deleteOldRecords,
  destinationsWithKeys,
  halfPruned,
  type OldRecords,
  oldKeys,
  restoreIsPending,
  stagedStanding,
} from '../../ledger/prune.ts';
import { resultsOnTheirWay } from '../../ledger/pushes.ts';
import { isEvents } from '../../mapping/compile.ts';
import type { Io } from '../../model.ts';
import { stagedPaths } from './context.ts';
import { pruneLinks } from './prune-links.ts';

export interface PruneOptions {
  ledger: Ledger;
  io: Io;
  /** Folder of the ledger and the staging. */
  state: string;
  /** All jobs that can be read. */
  jobs: readonly Job[];
  /** Some job file is wrong: how long its keys matter is not known, so no key goes. */
  someBroken: boolean;
  /** Only say what would go. */
  dryRun: boolean;
  crashPoint?: (name: string) => void;
}

/** What went, or would go. */
export interface PruneAccount extends OldRecords {
  dryRun: boolean;
  /** Staged copies of inputs, with their indexes. */
  staged: { files: number; bytes: number };
  /** What processes that died have left in the staging folder. */
  leftovers: { files: number; bytes: number };
  keys: number;
  /** Links of people of whom nothing was heard. */
  links: number;
  /** Why something that may be old stays. */
  kept: string[];
}

const DAY = 86_400_000;
const REQUESTS_KEPT_MS = 7 * DAY;
const OBSERVATIONS_KEPT_MS = 30 * DAY;
/** A page that comes late is compared with those of its time. */
const RECEIVED_KEPT_MS = 30 * DAY;
/** Nothing that is being written is so old. */
const LEFT_OVER_MS = DAY;
const KEYS_AT_ONCE = 2000;
/**
 * Folders of what lies in staging for a moment only: reports to be published, answers to whole files that are being read, customers that
 * were asked for, members that were posted, exports, results of pushes and members until they are in place.
 */
const OF_NO_FILE = new Set(['reports', 'answers', 'customers', 'pages', 'exports', 'members', 'audiences']);

/** Removes what was kept for as long as the jobs say. Can be cut short at any time, and repeated. Runs while nothing else does. */
export async function prune(options: PruneOptions): Promise<PruneAccount> {
  const { ledger, io, dryRun } = options;
  const now = io.now();
  if (!dryRun) noticeClock(ledger, now);
  const cutoffs = {
    requests: now - REQUESTS_KEPT_MS,
    observations: now - OBSERVATIONS_KEPT_MS,
    received: agedNow(ledger, now) - RECEIVED_KEPT_MS,
  };
  const staged = await pruneStaged(options);
  const leftovers = await sweep(options);
  // Members are people: no copy of them may stand in the ledger's file.
  if (!dryRun && countOldRecords(ledger, cutoffs).received > 0) oweRewrite(ledger);
  const records = dryRun
    ? countOldRecords(ledger, cutoffs)
    : await overwriting(ledger, () => deleteOldRecords(ledger, cutoffs));
  options.crashPoint?.('records-pruned');
  const { keys, kept } = await pruneKeys(options);
  const { links, kept: keptLinks } = await pruneLinks(options);
  kept.push(...keptLinks);
  if (!dryRun) {
    const left = isRewriteOwed(ledger) ? await rewriteLedger(ledger, io) : undefined;
    if (left !== undefined) kept.push(`traces of keys: ${left}; the next prune tries again`);
    // What was committed earlier stands in it until then: a key of a row, a name of a file.
    else await emptyWriteAheadLog(ledger, io);
  }
  return { dryRun, staged, leftovers, ...records, keys, links, kept };
}

async function pruneStaged({
  ledger,
  io,
  state,
  jobs,
  dryRun,
  crashPoint,
}: PruneOptions): Promise<PruneAccount['staged']> {
  const gone = { files: 0, bytes: 0 };
  for (const { id: job, retention } of jobs) {
    for (const id of processingsToPrune(ledger, job, agedNow(ledger, io.now()) - retention.days * DAY)) {
      const { folder } = stagedPaths(join(state, 'staging'), id);
      if (existsSync(folder)) {
        gone.files++;
        gone.bytes += await bytesOf(folder);
      }
      if (dryRun) continue;
      await rm(folder, { recursive: true, force: true });
      crashPoint?.('staging-pruned');
      updateProcessing(ledger, id, { prunedAt: io.now() });
    }
  }
  return gone;
}

/** Staged files that came back after they were pruned, those of no processing at all, and what was half written. */
async function sweep({ ledger, io, state, jobs, dryRun }: PruneOptions): Promise<PruneAccount['leftovers']> {
  const gone = { files: 0, bytes: 0 };
  const staging = join(state, 'staging');
  const pending = restoreIsPending(
    ledger,
    jobs.map(({ id }) => id),
  );
  const gathered = jobs.flatMap(({ id }) => [...pathsNotStaged(ledger, id)]).map((path) => basename(path));
  const waiting = new Set([...exportsOnTheirWay(ledger), ...resultsOnTheirWay(ledger), ...gathered]);
  const remove = async (path: string): Promise<void> => {
    gone.files++;
    gone.bytes += await bytesOf(path);
    if (!dryRun) await rm(path, { recursive: true, force: true });
  };
  const isOld = async (path: string): Promise<boolean> => io.now() - (await stat(path)).mtimeMs > LEFT_OVER_MS;
  for (const name of await namesIn(staging)) {
    const folder = join(staging, name);
    const id = Number(/^p(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    const standing = Number.isNaN(id) ? undefined : stagedStanding(ledger, id);
    if (!Number.isNaN(id) && !standing) {
      if (!pending && (await isOld(folder))) await remove(folder);
    } else if (standing?.pruned && !standing.inUse) await remove(folder);
    else if (OF_NO_FILE.has(name) || standing) {
      for (const part of await namesIn(folder)) {
        const torn =
          part.endsWith('.part') || OF_NO_FILE.has(name) || (/^results\./.test(part) && standing?.inUse === false);
        if (torn && !waiting.has(part) && (await isOld(join(folder, part)))) await remove(join(folder, part));
      }
    }
  }
  return gone;
}

/**
 * A key goes when no job that sends to its destination would take a row of that age any more, and each remembers keys no longer: a
 * row with it, sent again, would be rejected as too old.
 */
async function pruneKeys(options: PruneOptions): Promise<{ keys: number; kept: string[] }> {
  const { ledger, io, jobs, dryRun } = options;
  if (options.someBroken)
    return {
      keys: 0,
      kept: ['keys: a job file has errors (referry check), so it is not known how long its keys matter'],
    };
  const kept: string[] = [];
  const old: { processing: number; keys: number }[] = [];
  for (const { id, account, container, jobs: brought } of destinationsWithKeys(ledger)) {
    const theirs = jobs.filter(
      ({ destination: { extole } }) => extole.account === account && extole.container === container,
    );
    const unknown = brought.filter((job) => !jobs.some((each) => each.id === job));
    if (theirs.length === 0 || unknown.length > 0) {
      const why = unknown.length > 0 ? `no job file has the id ${unknown.join(', ')}` : 'no job sends there any more';
      kept.push(`keys of ${account}/${container}: ${why}`);
      continue;
    }
    const remembered = Math.max(
      ...theirs.map(({ retention, event }) =>
        isEvents(event) ? Math.max(retention.keys, event.maxAge + event.maxAhead) : retention.keys,
      ),
    );
    old.push(...oldKeys(ledger, id, agedNow(ledger, io.now()) - remembered));
  }
  if (dryRun) return { keys: old.reduce((n, { keys }) => n + keys, 0), kept };
  const half = halfPruned(ledger);
  if (old.length + half.length === 0) return { keys: 0, kept };
  oweRewrite(ledger);
  const keys = await overwriting(ledger, async () => {
    let gone = 0;
    for (const processing of [...half, ...old.map((each) => each.processing)]) {
      beginKeysPruned(ledger, processing, io.now());
      for (let n = KEYS_AT_ONCE; n === KEYS_AT_ONCE; ) {
        n = deleteKeys(ledger, processing, KEYS_AT_ONCE);
        gone += n;
        options.crashPoint?.('keys-pruned');
        await io.sleep(0);
      }
    }
    return gone;
  });
  return { keys, kept };
}

async function namesIn(folder: string): Promise<string[]> {
  return existsSync(folder) && (await stat(folder)).isDirectory() ? (await readdir(folder)).sort() : [];
}

async function bytesOf(path: string): Promise<number> {
  const found = await stat(path);
  if (!found.isDirectory()) return found.size;
  let bytes = 0;
  for (const name of await readdir(path)) bytes += await bytesOf(join(path, name));
  return bytes;
}
