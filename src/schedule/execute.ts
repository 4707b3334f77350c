import { verifyDedupe } from '../destinations/extole/verify-dedupe.ts';
import { freshToken } from '../jobs/fresh-token.ts';
import type { Job } from '../jobs/schema.ts';
import { recordDedupeProof } from '../ledger/dedupe-proofs.ts';
import type { Ledger } from '../ledger/open.ts';
import { EXIT, type ExitCode, type Io, type RunAccount, TransferError } from '../model.ts';
import type { Progress } from '../pipelines/deliver-events/context.ts';
import { runJob } from '../pipelines/deliver-events/run-job.ts';
import { readJob } from './jobs.ts';

/** What the process that holds the ledger's lock can be asked to do. */
export type Request =
  | { verb: 'run'; job: string; file?: string }
  | { verb: 'retry'; job: string }
  | { verb: 'verify-dedupe'; job: string; event?: string; other?: string; settleMs?: number; perMinute?: number };

export interface ExecuteOptions {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  jobs: string;
  state: string;
  cause: 'schedule' | 'catch-up' | 'command' | 'demo';
  progress?: (progress: Progress) => void;
  crashPoint?: (name: string) => void;
}

/** The answer to a request; each is one JSON object. */
export type Executed =
  | { verb: 'run'; account: RunAccount; reportPath?: string }
  | { verb: 'verify-dedupe'; findings: DedupeFindings[] };

export interface DedupeFindings {
  eventName: string;
  withinEvent: string;
  acrossEvents: string;
  evidence: string;
}

export async function execute(
  request: Request,
  options: ExecuteOptions,
): Promise<{ executed: Executed; exitCode: ExitCode }> {
  const job = await readJob(options.jobs, request.job, options.io.env);
  if (request.verb === 'verify-dedupe') return verify(job, request, options);
  const result = await runJob({
    ...options,
    job,
    retryOnly: request.verb === 'retry',
    refreshToken: () => freshToken(job.path),
    ...(request.verb === 'run' && request.file !== undefined ? { file: request.file } : {}),
  });
  return { executed: { verb: 'run', ...result }, exitCode: exitCodeOf(result.account) };
}

/** Whether anybody has to look. */
export function exitCodeOf(account: RunAccount): ExitCode {
  if (!account.balanced) return EXIT.internal;
  if (account.halted || account.seen.open > 0) return EXIT.unreachable;
  const { conflict, failed, held } = account.counts;
  const attention = conflict + failed + held + account.seen.held + account.seen.refused;
  return attention > 0 ? EXIT.attention : EXIT.ok;
}

async function verify(
  job: Job,
  request: Extract<Request, { verb: 'verify-dedupe' }>,
  { ledger, io, signal }: ExecuteOptions,
): Promise<{ executed: Executed; exitCode: ExitCode }> {
  const { verify: waits, ...rest } = job.destination.extole;
  const { settleMs } = request;
  // Whoever knows how late events show at an account may wait less, or more.
  const quicker = settleMs === undefined ? waits : { ...waits, settle: settleMs, poll: Math.min(waits.poll, settleMs) };
  const requestsPerMinute = request.perMinute ?? rest.requestsPerMinute;
  const settings = { ...rest, requestsPerMinute, verify: quicker };
  const names = request.event === undefined ? eventNamesOf(job) : [request.event];
  const findings: DedupeFindings[] = [];
  for (const [i, eventName] of names.entries()) {
    const other = request.other ?? names[(i + 1) % names.length] ?? eventName;
    const otherName = other === eventName ? `${eventName}_referry_check` : other;
    const verdict = await verifyDedupe(settings, eventName, otherName, io, { timeouts: job.delivery, signal });
    const { withinEvent, acrossEvents, evidence, at } = verdict;
    recordDedupeProof(
      ledger,
      { provider: 'extole', account: settings.account, container: 'test' },
      { eventName, withinEvent, acrossEvents, evidence, provenAt: at },
    );
    findings.push({ eventName, withinEvent, acrossEvents, evidence });
  }
  const proven = findings.every((finding) => finding.withinEvent === 'drops');
  return { executed: { verb: 'verify-dedupe', findings }, exitCode: proven ? EXIT.ok : EXIT.attention };
}

/** The event names that a job can send. Throws `USAGE` where it takes any from its files. */
export function eventNamesOf(job: Job): string[] {
  const { event } = job;
  const names = event.name !== undefined ? [event.name] : (event.allowedNames ?? []);
  if (names.length > 0) return [...new Set(names)];
  throw new TransferError('USAGE', `job ${job.id} takes its event names from the file and allows any`, {
    hint: 'name the event to verify: --event NAME',
  });
}
