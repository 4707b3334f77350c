import { randomBytes } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { EventAccount, ReasonAccount } from '../../accounts.ts';
import { takesFiles } from '../../jobs/check-links.ts';
import { parseStoredDefinition, storedDefinition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import { knownFile } from '../../ledger/known-file.ts';
import type { Ledger } from '../../ledger/open.ts';
import { FileRefused, type Io, type Notice, type RefusalDetail, type Remote, type RemoteFile } from '../../model.ts';
import { unlockPgpKeys } from '../../parsing/pgp-keys.ts';
import { openRemote } from '../../remotes/open.ts';
import { markerFor } from '../../remotes/stable.ts';
import { judgeInContext } from './admit.ts';
import { checkChecksum, refuseLong } from './companions.ts';
import { type FilePass, type Progress, type RunContext, stagedPaths } from './context.ts';
import { disagreementIn } from './disagreement.ts';
import { tallyDryRun } from './dry-tally.ts';
import { calledByHand, calledIn, inOrder, inputsOf, listInbox } from './inbox.ts';
import { localBytes } from './local-bytes.ts';
import { type Seal, sealFile } from './seal.ts';
import { LOCAL, lostInput, stageBytes } from './stage.ts';

/** What a run would do with a file. `byEvent[].counts.open` are the rows that would be sent. */
export interface DryRunFile {
  name: string;
  bytes: number;
  sha256: string;
  lane?: string;
  /** How long it would take, where that is known beforehand. */
  takes?: string;
  read: number;
  wouldSend: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  held: number;
  byEvent: EventAccount[];
  reasons: ReasonAccount[];
  segments?: DryRunSegment[];
  refused?: RefusalDetail;
  heldBecause?: RefusalDetail;
}

/** What a file would change of one segment. Ids are masked. */
export interface DryRunSegment {
  segment: string;
  before: number;
  desired: number;
  toAdd: number;
  toRemove: number;
  unchanged: number;
  sample: { add: string[]; remove: string[] };
}

/** Says what a sealed file would change of segments, and whether it would be held for that. */
export type Outline = (
  ctx: Pick<RunContext, 'keys' | 'signal'>,
  pass: Pick<FilePass, 'definition' | 'paths'> & { processing: { name: string; openedAt: number } },
  seal: Seal,
  ledger: Ledger | undefined,
) => Promise<{ segments: DryRunSegment[]; held?: Seal['held'] }>;

export interface DryRunOptions {
  job: Job;
  /** Absent: no ledger yet, so nothing is known. */
  ledger: Ledger | undefined;
  io: Io;
  signal: AbortSignal;
  laneFor: (rows: number) => string;
  /** How long so many rows take, where that is known beforehand. */
  takes?: ((rows: number) => string) | undefined;
  outline?: Outline | undefined;
  /** Where a run writes the rows itself, out of the ledger alone: does so into a folder. Absent: only a run can ask for them. No file: a run takes none. */
  gather?:
    | ((folder: string) => Promise<{ file?: { path: string; name: string }; notices: readonly Notice[] }>)
    | undefined;
  /** A local file instead of the inbox. */
  file?: string;
  progress: (progress: Progress) => void;
  /** What a run would say besides, such as of files that it leaves where they are. */
  tell?: (notice: Notice) => void;
}

/** Reads every matching file of the inbox, or one local file, and says what a run would do. Takes, sends and stores nothing. */
export async function dryRunJob(options: DryRunOptions): Promise<DryRunFile[]> {
  const staging = await mkdtemp(join(tmpdir(), 'referry-dry-run-'));
  try {
    if (options.file !== undefined) {
      const { size } = await stat(options.file);
      const local = { name: calledByHand(options.job, options.file), size };
      const beside = manifestBeside(options.job, options.file);
      return [await judge(options, staging, 0, local, localBytes(options.file), beside)];
    }
    if (options.gather) {
      const { file, notices } = await options.gather(staging);
      for (const notice of notices) options.tell?.(notice);
      if (!file) return [];
      const { path, name } = file;
      return [await judge(options, staging, 0, { name, size: (await stat(path)).size }, localBytes(path))];
    }
    // Rows that a run asks for elsewhere are asked for by a run alone.
    if (!takesFiles(options.job)) return [];
    await using remote = await openRemote(options.job.source, options.io, options.signal);
    const isInput = inputsOf(options.job);
    const { manifest } = options.job.source;
    const { folders, notices } = await listInbox(remote, options.job, options.signal);
    for (const notice of notices) options.tell?.(notice);
    const besides = new Map<string, Manifest>();
    const found: RemoteFile[] = [];
    for (const folder of folders) {
      const byName = new Map(folder.files.map((file) => [file.name, file]));
      for (const file of folder.files) {
        if (!isInput(file.name)) continue;
        const its = manifest && byName.get(markerFor(file.name, manifest.name));
        if (its) besides.set(file.path, { file: its, bytes: remote.read(its, options.signal) });
        found.push({ ...file, name: calledIn(folder, file.name) });
      }
    }
    const judged: DryRunFile[] = [];
    for (const file of inOrder(options.job, found)) {
      const beside = besides.get(file.path) ?? 'none';
      judged.push(await judge(options, staging, judged.length, file, remote.read(file, options.signal), beside));
    }
    return judged;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * What would become of a file that was processed before, under the job as it is now: from its staged copy, or where that is
 * gone, from where the input lies; with the manifest that came with it. `place`: a path on the remote, or a local one after `local:`.
 */
export async function judgeAgain(
  options: DryRunOptions,
  file: { name: string } & Kept,
  manifest?: Kept,
): Promise<DryRunFile> {
  const temporary = await mkdtemp(join(tmpdir(), 'referry-dry-run-'));
  const { name } = file;
  const needed = [file, ...(manifest ? [manifest] : [])];
  try {
    await using remote = needed.every((each) => localOf(each) !== undefined)
      ? undefined
      : await openRemote(options.job.source, options.io);
    const its = manifest && (await bytesOf(remote, manifest, `the manifest of ${name}`, options.signal));
    const { file: there, bytes } = await bytesOf(remote, file, name, options.signal);
    return await judge(options, temporary, 0, { name, size: there.size }, bytes, its);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Something that was staged before, and where else it is. */
interface Kept {
  staged: string;
  place: string;
}

const localOf = ({ staged, place }: Kept): string | undefined =>
  existsSync(staged) ? staged : place.startsWith(LOCAL) ? place.slice(LOCAL.length) : undefined;

/** Throws `STAGED_FILE_LOST` where it is in neither place. */
async function bytesOf(
  remote: Remote | undefined,
  kept: Kept,
  name: string,
  signal: AbortSignal,
): Promise<Extract<Manifest, object>> {
  const local = localOf(kept);
  if (local !== undefined) {
    const { size } = await stat(local);
    return { file: { path: local, name, size, mtime: 0 }, bytes: localBytes(local) };
  }
  const there = kept.place === '' ? undefined : await remote?.stat(kept.place);
  if (!remote || !there) throw lostInput(name, kept.place);
  return { file: there, bytes: remote.read(there, signal) };
}

/** The manifest of a file; `none`: one was looked for where it should be. */
type Manifest = { file: RemoteFile; bytes: AsyncIterable<Uint8Array> } | 'none';

/** A local file vouches for itself where none lies beside it. */
function manifestBeside({ source }: Job, path: string): Manifest | undefined {
  const its = source.manifest && join(dirname(path), markerFor(basename(path), source.manifest.name));
  if (!its || !existsSync(its)) return undefined;
  const file = { path: its, name: basename(its), size: statSync(its).size, mtime: 0 };
  return { file, bytes: localBytes(its) };
}

async function judge(
  options: DryRunOptions,
  staging: string,
  number: number,
  file: { name: string; size: number },
  bytes: AsyncIterable<Uint8Array>,
  beside?: Manifest,
): Promise<DryRunFile> {
  const { job, ledger, io, signal, progress } = options;
  const { name, size } = file;
  const paths = stagedPaths(staging, number);
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  const sha256 = await stageBytes(bytes, file, paths.input, (done) =>
    progress({ file: name, phase: 'downloading', done, total: size, unit: 'bytes' }),
  );
  const empty = { name, bytes: size, sha256, read: 0, wouldSend: 0, duplicate: 0, conflict: 0, rejected: 0, held: 0 };
  const context = {
    signal,
    progress,
    crashPoint: () => {},
    ledger: ledger ?? { hashKey: randomBytes(32) },
    keys: job.file.pgp && (await unlockPgpKeys(job.file.pgp, io)),
  };
  const pass = {
    definition: parseStoredDefinition(storedDefinition(job).body),
    paths,
    processing: { name, openedAt: io.now() },
  };
  try {
    if (typeof beside === 'object') {
      refuseLong(beside.file);
      await stageBytes(beside.bytes, beside.file, paths.manifest, () => {});
    }
    await disagreementIn(pass.definition, () => checkChecksum(paths, pass.definition, name, sha256));
    const seal = await sealFile(context, pass);
    if (ledger) {
      const fileId = knownFile(ledger, job.id, sha256);
      const processing = {
        id: 0,
        job: job.id,
        name,
        fileId,
        takenPath: beside === 'none' ? '' : LOCAL,
        reprocessOf: null,
      };
      const { held, notices } = judgeInContext(ledger, { ...pass, processing }, seal);
      seal.notices.push(...notices);
      if (held) seal.held ??= held;
    }
    const outlined = await options.outline?.(context, pass, seal, ledger);
    if (outlined?.held) seal.held ??= outlined.held;
    const { counts, byEvent, reasons } = await tallyDryRun({ ...context, ledger }, pass, seal, job);
    const { open: wouldSend, duplicate, conflict, rejected, held, read } = counts;
    return {
      ...empty,
      ...{ read, wouldSend, duplicate, conflict, rejected, held, byEvent, reasons },
      lane: options.laneFor(seal.candidates),
      ...(options.takes && wouldSend > 0 ? { takes: options.takes(wouldSend) } : {}),
      ...(outlined ? { segments: outlined.segments } : {}),
      ...(seal.held ? { heldBecause: seal.held } : {}),
    };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message, hint, line } = error;
    const refused = { code, message, ...(hint ? { hint } : {}), ...(line ? { line } : {}) };
    return { ...empty, byEvent: [], reasons: [], refused };
  }
}
