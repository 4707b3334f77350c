import { existsSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStoredDefinition } from '../../../jobs/definition.ts';
import type { Job } from '../../../jobs/schema.ts';
import { processingsToPrune } from '../../../ledger/age.ts';
import type { Ledger } from '../../../ledger/open.ts';
import { getProcessing, type Processing, updateProcessing } from '../../../ledger/processings.ts';
import { stagedStanding } from '../../../ledger/prune.ts';
import { getDefinition } from '../../../ledger/registry.ts';
import { FileRefused, type Io, TransferError } from '../../../model.ts';
import { unlockPgpKeys } from '../../../parsing/pgp-keys.ts';
import { openText } from '../../../parsing/text.ts';
import { stagedPaths } from '../context.ts';
import { stagedFile } from '../staged-file.ts';
import { bytesOf, type Search } from './search.ts';

/** A file that the person is in, or may be in. */
export interface PersonsFile {
  processing: number;
  job: string;
  /** The name under which it came. */
  name: string;
  resultsPath: string | null;
  archivedAs: string | null;
}

export interface StagedSearch {
  /** Staged copies that hold the person and went, or would go. */
  removed: PersonsFile[];
  /** Those that hold the person and are needed until their rows are final. */
  open: (PersonsFile & { why: string })[];
  /** Those that could not be read, and why. */
  unread: (PersonsFile & { why: string })[];
  /** What processes that died left, and what lies there for a moment only. */
  leftovers: number;
}

export interface StagedOptions {
  ledger: Ledger;
  io: Io;
  state: string;
  jobs: readonly Job[];
  search: Search;
  dryRun: boolean;
  crashPoint: (name: string) => void;
}

/**
 * Removes the staged copies of files that a person is in, as `prune` will do one day: rows that are final need them no more, and their
 * keys stay in the ledger. A copy that is still needed stays whole.
 */
export async function forgetStaged(options: StagedOptions): Promise<StagedSearch> {
  const { ledger, state, dryRun, io } = options;
  const staging = join(state, 'staging');
  const found: StagedSearch = { removed: [], open: [], unread: [], leftovers: 0 };
  for (const name of existsSync(staging) ? (await readdir(staging)).sort() : []) {
    const id = Number(/^p(\d+)$/.exec(name)?.[1] ?? Number.NaN);
    const standing = Number.isNaN(id) ? undefined : stagedStanding(ledger, id);
    if (!standing) {
      found.leftovers += await forgetLeftovers(join(staging, name), options);
      continue;
    }
    const processing = getProcessing(ledger, id);
    const file = personsFile(processing);
    const told = await holdsPerson(processing, options);
    if (told === false) continue;
    const folder = join(staging, name);
    if (typeof told === 'string') found.unread.push({ ...file, why: told });
    else if (!isFinal(ledger, processing, io.now())) found.open.push({ ...file, why: whyOpen(processing) });
    else {
      found.removed.push(file);
      if (dryRun) continue;
      await rm(folder, { recursive: true, force: true });
      options.crashPoint('staging-forgotten');
      updateProcessing(ledger, id, { prunedAt: io.now() });
    }
  }
  return found;
}

export function personsFile({ id, job, name, resultsPath, archivedAs }: Processing): PersonsFile {
  return { processing: id, job, name, resultsPath, archivedAs };
}

/** As for `prune`, whenever its file was closed. */
function isFinal(ledger: Ledger, { id, job }: Processing, now: number): boolean {
  return processingsToPrune(ledger, job, now + 1).includes(id);
}

function whyOpen({ state, refusal }: Processing): string {
  if (refusal?.verdict === 'held')
    return 'the file is held: decide about it (referry held), then give this command again';
  if (state === 'closed')
    return 'rows of it are failed or held: see referry held; give this command again when they are final';
  return 'it is still worked on; give this command again after the next run';
}

/** Whether the person is in a staged copy or what lies beside it; a text says why that is not known. */
async function holdsPerson(processing: Processing, options: StagedOptions): Promise<boolean | string> {
  const { ledger, state, jobs, search, io } = options;
  const paths = stagedPaths(join(state, 'staging'), processing.id);
  for (const name of await readdir(paths.folder)) {
    const path = join(paths.folder, name);
    if ((await stat(path)).isFile() && (await search.inStream(bytesOf(path)))) return true;
  }
  if (!existsSync(paths.input)) return false;
  const definition = parseStoredDefinition(getDefinition(ledger, processing.definitionId).body);
  const pgp = jobs.find(({ id }) => id === processing.job)?.file.pgp;
  try {
    const keys = pgp && (await unlockPgpKeys(pgp, io));
    const staged = stagedFile({ keys }, definition, paths.input, processing.name);
    return await search.inStream(openText(staged, definition.file));
  } catch (error) {
    if (error instanceof TransferError) return `${error.message} (${error.code})`;
    // What cannot be read as a whole was searched as it stands; an encrypted one says nothing so.
    if (error instanceof FileRefused) return definition.encrypted ? `${error.message} (${error.code})` : false;
    throw error;
  }
}

/** Nothing else works on the ledger meanwhile, so what lies here belongs to nobody. */
async function forgetLeftovers(folder: string, options: StagedOptions): Promise<number> {
  const { search, dryRun } = options;
  if (!(await stat(folder)).isDirectory()) return 0;
  let gone = 0;
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if ((await stat(path)).isDirectory()) gone += await forgetLeftovers(path, options);
    else if (await search.inStream(bytesOf(path))) {
      gone++;
      if (!dryRun) await rm(path, { force: true });
    }
  }
  return gone;
}
