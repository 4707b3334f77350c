import { randomBytes } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseStoredDefinition, storedDefinition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import { openBook } from '../../ledger/deliveries.ts';
import type { Ledger } from '../../ledger/open.ts';
import { findEventName } from '../../ledger/registry.ts';
import { type EventAccount, FileRefused, type Io, type ReasonAccount, type RefusalDetail } from '../../model.ts';
import { unlockPgpKeys } from '../../parsing/pgp-keys.ts';
import { openRemote } from '../../remotes/open.ts';
import { isCandidateName, matchPattern } from '../../remotes/stable.ts';
import { createTally } from '../../reports/tally.ts';
import { type Progress, stagedPaths } from './context.ts';
import { openRowIndex, VERDICT } from './row-index.ts';
import { type Seal, sealFile } from './seal.ts';
import { LOCAL, lostInput, stageBytes } from './stage.ts';

/** What a run would do with a file. `byEvent[].counts.open` are the rows that would be sent. */
export interface DryRunFile {
  name: string;
  bytes: number;
  sha256: string;
  lane?: string;
  read: number;
  wouldSend: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  held: number;
  byEvent: EventAccount[];
  reasons: ReasonAccount[];
  refused?: RefusalDetail;
  heldBecause?: RefusalDetail;
}

export interface DryRunOptions {
  job: Job;
  /** Absent: no ledger yet, so nothing is known. */
  ledger: Ledger | undefined;
  io: Io;
  signal: AbortSignal;
  laneFor: (rows: number) => string;
  /** A local file instead of the inbox. */
  file?: string;
  progress: (progress: Progress) => void;
}

/** Reads every matching file of the inbox, or one local file, and says what a run would do. Takes, sends and stores nothing. */
export async function dryRunJob(options: DryRunOptions): Promise<DryRunFile[]> {
  const staging = await mkdtemp(join(tmpdir(), 'referry-dry-run-'));
  try {
    if (options.file !== undefined) {
      const { size } = await stat(options.file);
      const local = { name: basename(options.file), size };
      return [await judge(options, staging, 0, local, createReadStream(options.file))];
    }
    await using remote = await openRemote(options.job.source, options.io, options.signal);
    const matches = matchPattern(options.job.source.match);
    const { files } = await remote.list(options.job.source.inbox, options.signal);
    const judged: DryRunFile[] = [];
    for (const file of files) {
      if (!isCandidateName(file.name) || !matches(file.name)) continue;
      judged.push(await judge(options, staging, judged.length, file, remote.read(file, options.signal)));
    }
    return judged;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * What would become of a file that was processed before, under the job as it is now: from its staged copy, or where that is
 * gone, from where the input lies. `place`: a path on the remote, or a local one after `local:`.
 */
export async function judgeAgain(
  options: DryRunOptions,
  file: { name: string; staged: string; place: string },
): Promise<DryRunFile> {
  const temporary = await mkdtemp(join(tmpdir(), 'referry-dry-run-'));
  const { name, place } = file;
  try {
    const local = existsSync(file.staged) ? file.staged : place.startsWith(LOCAL) ? place.slice(LOCAL.length) : '';
    if (local !== '') {
      const { size } = await stat(local);
      return await judge(options, temporary, 0, { name, size }, createReadStream(local));
    }
    await using remote = await openRemote(options.job.source, options.io);
    const there = place === '' ? undefined : await remote.stat(place);
    if (!there) throw lostInput(name, place);
    return await judge(options, temporary, 0, { name, size: there.size }, remote.read(there, options.signal));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function judge(
  options: DryRunOptions,
  staging: string,
  number: number,
  file: { name: string; size: number },
  bytes: AsyncIterable<Uint8Array>,
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
    keys: job.file.pgp && (await unlockPgpKeys(job.file.pgp)),
  };
  const pass = {
    definition: parseStoredDefinition(storedDefinition(job).body),
    paths,
    processing: { name, openedAt: io.now() },
  };
  try {
    const seal = await sealFile(context, pass);
    const { counts, byEvent, reasons } = tallyOf(seal, paths.index, job, ledger);
    const { open: wouldSend, duplicate, conflict, rejected, held, read } = counts;
    return {
      ...empty,
      ...{ read, wouldSend, duplicate, conflict, rejected, held, byEvent, reasons },
      lane: options.laneFor(seal.candidates),
      ...(seal.held ? { heldBecause: seal.held } : {}),
    };
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    const { code, message, hint, line } = error;
    const refused = { code, message, ...(hint ? { hint } : {}), ...(line ? { line } : {}) };
    return { ...empty, byEvent: [], reasons: [], refused };
  }
}

function tallyOf(
  seal: Seal,
  indexPath: string,
  job: Job,
  ledger: Ledger | undefined,
): ReturnType<ReturnType<typeof createTally>['pieces']> {
  const tally = createTally();
  const index = openRowIndex(indexPath);
  const book = ledger && openBook(ledger, 0);
  const { account, container } = job.destination.extole;
  const identity = { provider: 'extole', account, container };
  const eventIds = seal.eventNames.map((name) => (ledger ? findEventName(ledger, identity, name) : undefined));
  try {
    for (const block of index.blocks()) {
      for (let i = 0; i < block.count; i++) {
        const verdict = block.verdict(i);
        const currency = block.currency(i);
        const eventMs = block.eventMs(i);
        const row = {
          line: block.line(i),
          eventName: seal.eventNames[block.eventName(i)] ?? '',
          reason: '',
          ...(currency > 0 ? { money: { currency: seal.currencies[currency] ?? '', units: block.money(i) } } : {}),
          ...(eventMs !== 0 ? { eventMs } : {}),
        };
        const code = seal.codes[block.code(i)] ?? '';
        if (verdict === VERDICT.rejected) tally.add({ ...row, state: 'rejected', code });
        else if (seal.held) tally.add({ ...row, state: 'held', code: seal.held.code });
        else if (verdict === VERDICT.duplicate) tally.add({ ...row, state: 'duplicate', code });
        else if (verdict === VERDICT.conflict) tally.add({ ...row, state: 'conflict', code });
        else {
          const eventId = eventIds[block.eventName(i)];
          const owner = eventId === undefined ? undefined : book?.owner(eventId, block.keyHash(i));
          if (!owner) tally.add({ ...row, state: 'open', code: '' });
          else if (owner.contentHash.length === 0 || owner.contentHash.equals(block.contentHash(i)))
            tally.add({ ...row, state: 'duplicate', code: 'DUPLICATE' });
          else tally.add({ ...row, state: 'conflict', code: 'CONFLICT' });
        }
      }
    }
  } finally {
    index.close();
  }
  return tally.pieces();
}
