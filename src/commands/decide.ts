import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Ledger, openLedgerForReading } from '../ledger/open.ts';
import { EXIT, TransferError } from '../model.ts';
import type { DecisionRequest, Planned } from '../pipelines/files/decide/planned.ts';
import type { Decided, DecisionKind } from '../schedule/decide.ts';
import { readJob } from '../schedule/jobs.ts';
import type { Verb } from '../schedule/verb.ts';
import { confirmCount } from './confirm-count.ts';
import { performAndPrint } from './perform-and-print.ts';
import { isNothing, printDecided, printPlanned, type Wording } from './print-decision.ts';
import { openWorld, stopSignal } from './shared.ts';

/** Options that every decision has. */
export interface DecideOptions {
  jobs?: string;
  state?: string;
  reason?: string;
  by?: string;
  dryRun?: boolean;
  expect?: string;
  json?: boolean;
}

export type Scope = Pick<
  DecisionRequest,
  'job' | 'processingId' | 'line' | 'exportId' | 'code' | 'key' | 'since' | 'path'
>;

/** Decisions of more rows than this are asked for once more. */
const MOST_UNASKED = 100;

/** Looks, shows what would happen, asks where it is much, and has it done; gives the exit code. */
export async function decide<Seen>(
  kind: DecisionKind<Seen>,
  verb: Verb<DecisionRequest, Decided>,
  usual: Wording,
  find: (ledger: Ledger) => Scope,
  options: DecideOptions,
  print?: (decided: Decided) => void,
): Promise<number> {
  const reason = (options.reason ?? '').trim();
  if (reason === '' && !options.dryRun)
    throw usage(
      '--reason is missing',
      'say why, in a sentence: it is kept with your name and the time. Or look first, with --dry-run',
    );
  const { request, planned } = await look(kind, find, reason, options);
  const json = options.json === true;
  const { rows } = planned;
  const ofMembers = planned.files.some(({ changes }) => changes !== undefined);
  // Of a list of members only what differs leaves.
  const wording = ofMembers ? { ...usual, would: 'rows would be synced' } : usual;
  if (options.dryRun || isNothing(planned)) {
    printPlanned(wording, request, planned, { json, dryRun: options.dryRun === true });
    return EXIT.ok;
  }
  if ((ofMembers || (options.expect === undefined && rows > MOST_UNASKED)) && !json)
    printPlanned(wording, request, planned, { json, dryRun: false });
  await confirmCount(rows, options.expect, rows > MOST_UNASKED, wording);
  const told = print ?? ((decided: Decided) => printDecided(wording, request, decided, json));
  return performAndPrint(verb, { ...request, expect: rows }, options, told);
}

async function look<Seen>(
  kind: DecisionKind<Seen>,
  find: (ledger: Ledger) => Scope,
  reason: string,
  options: DecideOptions,
): Promise<{ request: DecisionRequest; planned: Planned }> {
  const { settings, io } = openWorld(options);
  const stop = stopSignal();
  const ledger = await openLedgerForReading(settings.ledger);
  try {
    if (!ledger)
      throw usage(`there is no ledger yet at ${settings.ledger}`, 'nothing has run so far, so nothing waits');
    const by = options.by ?? whoAmI();
    const request: DecisionRequest = { verb: kind.name, ...find(ledger), reason, by, host: hostname(), expect: 0 };
    const job = await readJob(settings.jobs, request.job, io.env);
    const { signal } = stop;
    const context = { job, ledger, state: settings.state, io, signal, progress: () => {} };
    const seen = await kind.look?.(context, request);
    const planned = kind.plan({ ledger, staging: join(settings.state, 'staging') }, request, job, seen);
    const shown = await kind.preview?.(context, planned.files);
    return { request, planned: shown ? { ...planned, files: shown } : planned };
  } finally {
    stop.dispose();
    await ledger?.close();
  }
}

/** The operating system's word; in a container without a name for the user, its number. */
export function whoAmI(): string {
  try {
    return userInfo().username;
  } catch {
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** `--line 3`. Throws `USAGE`. */
export function lineOption(text: string | undefined): { line?: number } {
  if (text === undefined) return {};
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1)
    throw usage(
      `--line: found "${text}"`,
      'give the number of a line, as the results file has it; the header is line 1',
    );
  return { line: Number(text) };
}

export function usage(message: string, hint: string): TransferError {
  return new TransferError('USAGE', message, { hint });
}
