import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { storedDefinition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import { sha256Of } from '../../ledger/backup.ts';
import {
  closeImport,
  countUnowned,
  findImport,
  type ImportedKey,
  importBatch,
  openImport,
} from '../../ledger/imports.ts';
import type { Ledger } from '../../ledger/open.ts';
import { destinationId, eventNameId, findEventName, storeDefinition } from '../../ledger/registry.ts';
import { closeRun, newestRun, openRun } from '../../ledger/runs.ts';
import { checkKey } from '../../mapping/key.ts';
import { type FileAccount, FileRefused, type Io, TransferError } from '../../model.ts';
import { openRows } from '../../parsing/open.ts';
import { fileSettings } from '../../parsing/settings.ts';
import { emptyCounts } from '../../reports/tally.ts';
import { keyedHash } from './context.ts';
import { createRunAccount } from './run-account.ts';

export interface ImportOptions {
  job: Job;
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  /** A readable local file with one key a row. */
  file: string;
  eventName: string;
  column: string;
  crashPoint?: (name: string) => void;
}

/** read = imported + known + rejected. */
export interface ImportAccount {
  job: string;
  eventName: string;
  file: string;
  read: number;
  /** Keys that are known as delivered from now on. */
  imported: number;
  /** Keys that the ledger knew already, or that the file has more than once. */
  known: number;
  rejected: number;
  /** The first lines without a usable key, and why. */
  examples: { line: number; reason: string }[];
  balanced: boolean;
  /** When the same file was imported before; ISO 8601. Then nothing was done now. */
  before?: string;
}

const MOST_EXAMPLES = 5;

/**
 * Takes the keys of a file over as delivered by another system, so that rows with them are duplicates. Streams; can be cut short
 * at any time and goes on behind the last batch that is in the ledger. Throws `USAGE` where the file cannot be read as a whole.
 */
export async function importKeys(options: ImportOptions): Promise<ImportAccount> {
  const { job, ledger, io, file, column, eventName } = options;
  const { account, container } = job.destination.extole;
  const destination = destinationId(ledger, { provider: 'extole', account, container });
  const plan = {
    job: job.id,
    destinationId: destination,
    eventNameId: eventNameId(ledger, destination, eventName),
    name: basename(file),
    path: `local:${file}`,
    bytes: statSync(file).size,
    sha256: await sha256Of(file),
    column,
  };
  const told = { job: job.id, eventName, file: plan.name };
  const before = findImport(ledger, plan);
  if (before?.endedAt) {
    const { read, imported, known, rejected } = before;
    const at = new Date(before.endedAt).toISOString();
    return { ...told, read, imported, known, rejected, examples: [], balanced: true, before: at };
  }
  const begun = before ?? openAnew(options, plan);
  const examples: ImportAccount['examples'] = [];
  for await (const batch of keysOf(options, begun.line)) {
    examples.push(...batch.faults.slice(0, MOST_EXAMPLES - examples.length));
    importBatch(ledger, begun, plan.eventNameId, { ...batch, rejected: batch.faults.length }, io.now());
    options.crashPoint?.('keys-imported');
  }
  closeImport(ledger, begun.id, io.now());
  const { read = 0, imported = 0, known = 0, rejected = 0 } = findImport(ledger, plan) ?? {};
  return { ...told, read, imported, known, rejected, examples, balanced: read === imported + known + rejected };
}

/** The same account, as far as it can be told without writing anything. A key that the file has twice counts as imported twice. */
export async function tryImport(
  options: Omit<ImportOptions, 'ledger'> & { ledger: Ledger | undefined },
): Promise<ImportAccount> {
  const { job, ledger, file, eventName } = options;
  const { account, container } = job.destination.extole;
  const id = ledger && findEventName(ledger, { provider: 'extole', account, container }, eventName);
  const counts = { read: 0, imported: 0, known: 0, rejected: 0 };
  const examples: ImportAccount['examples'] = [];
  for await (const { keys, faults } of keysOf(options, 0)) {
    const hashes = keys.map(({ keyHash }) => keyHash);
    const fresh = ledger && id !== undefined ? countUnowned(ledger, id, hashes) : keys.length;
    counts.read += keys.length + faults.length;
    counts.imported += fresh;
    counts.known += keys.length - fresh;
    counts.rejected += faults.length;
    examples.push(...faults.slice(0, MOST_EXAMPLES - examples.length));
  }
  return { job: job.id, eventName, file: basename(file), ...counts, examples, balanced: true };
}

function openAnew(
  { job, ledger, io }: ImportOptions,
  plan: Omit<Parameters<typeof openImport>[1], 'runId' | 'definitionId'>,
): ReturnType<typeof openImport> {
  const now = io.now();
  const definitionId = storeDefinition(ledger, storedDefinition(job), now);
  const runId = newestRun(ledger, job.id) ?? emptyRun(ledger, job, now);
  const account: FileAccount = {
    ...{ job: job.id, processing: '', name: plan.name, sha256: plan.sha256, bytes: plan.bytes, state: 'processed' },
    ...{ counts: emptyCounts(), byEvent: [], reasons: [], notices: [], balanced: true, proof: 'imported' },
  };
  return openImport(ledger, { ...plan, runId, definitionId }, JSON.stringify(account), now);
}

/** A file belongs to a run; where the job never ran, to one that saw nothing. */
function emptyRun(ledger: Ledger, job: Job, now: number): number {
  const { account, container } = job.destination.extole;
  const run = openRun(ledger, job.id, 'import-keys', now);
  const told = createRunAccount(run, job, { provider: 'extole', account, container }, now);
  closeRun(ledger, run, told.finish(now), [], false, now);
  return run;
}

interface KeyBatch {
  keys: ImportedKey[];
  faults: { line: number; reason: string }[];
  /** The last line of the batch. */
  line: number;
}

/** The keys behind a line, batch by batch. */
async function* keysOf(
  { ledger, signal, file, column }: Pick<ImportOptions, 'signal' | 'file' | 'column'> & { ledger: Ledger | undefined },
  after: number,
): AsyncGenerator<KeyBatch> {
  const hash = ledger ? keyedHash(ledger) : () => '';
  try {
    const reader = await openRows({ path: file, name: basename(file) }, fileSettings.parse({}), [column], signal);
    let at = -1;
    const fold = (name: string): string => name.trim().toLowerCase();
    for await (const batch of reader.batches()) {
      signal.throwIfAborted();
      if (at === -1) at = reader.columns.findIndex((name) => fold(name) === fold(column));
      const found: KeyBatch = { keys: [], faults: [], line: 0 };
      for (const { line, values, fault } of batch) {
        if (line <= after) continue;
        found.line = line;
        const verdict = fault ? { ok: false as const, reason: fault.reason } : checkKey(values[at], column);
        if (verdict.ok) found.keys.push({ line, key: verdict.key, keyHash: Buffer.from(hash(verdict.key), 'hex') });
        else found.faults.push({ line, reason: verdict.reason });
      }
      if (found.line > 0) yield found;
    }
  } catch (error) {
    if (!(error instanceof FileRefused)) throw error;
    throw new TransferError('USAGE', `${file}: ${error.message}`, {
      hint: error.hint ?? 'the file needs a header line with the name of the column that holds the keys: --column',
      cause: error,
    });
  }
}
