import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Ledger, openLedger, openLedgerForRequests, readHolder } from '../ledger/open.ts';
import { ledgerProblem } from '../ledger/problem.ts';
import { answerOf, isAlive, leaveRequest, withdrawRequest } from '../ledger/requests.ts';
import { type Io, TransferError } from '../model.ts';
import type { Progress } from '../pipelines/files/context.ts';
import { crashPointFrom } from '../schedule/crash-point.ts';
import { readJob } from '../schedule/jobs.ts';
import type { Asked, Verb } from '../schedule/verb.ts';
import type { Settings } from '../settings.ts';

const ASK_EVERY_MS = 200;
/** How long a ledger may be locked by nobody who says so: a process that starts takes the lock before it can write who it is. */
const NAMELESS_MS = 5000;

export interface PerformOptions {
  settings: Settings;
  io: Io;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
  /** A line for the person at the terminal, where there is one. */
  say?: ((line: string) => void) | undefined;
}

export interface Performed<Answer> {
  executed: Answer;
  exitCode: number;
}

/** Executes a request: here, or by the daemon that holds the ledger, whose answer is waited for. */
export async function perform<Request extends Asked, Answer extends object>(
  verb: Verb<Request, Answer>,
  request: Request,
  options: PerformOptions,
): Promise<Performed<Answer>> {
  const { settings, io, signal, progress, say } = options;
  // In the wrong folder nothing is known: no ledger is made there for a job that does not exist.
  if (request.job !== undefined && !existsSync(settings.ledger)) await readJob(settings.jobs, request.job, io.env);
  const ledger = await openHereOrFindDaemon(options);
  if (!ledger) return askDaemon(request, options);
  try {
    return await verb.execute(request, {
      ledger,
      io,
      signal,
      jobs: settings.jobs,
      state: settings.state,
      cause: 'command',
      progress,
      ...(say ? { say } : {}),
      crashPoint: crashPointFrom(io),
    });
  } finally {
    await ledger.close();
  }
}

/** The ledger, opened to execute; `undefined` where a daemon holds it. Throws `LEDGER_IN_USE` where another command does. */
async function openHereOrFindDaemon({ settings, io, signal }: PerformOptions): Promise<Ledger | undefined> {
  const until = io.monotonic() + NAMELESS_MS;
  for (;;) {
    try {
      return await openLedger(settings.ledger, 'command', io);
    } catch (error) {
      if (!(error instanceof TransferError) || error.code !== 'LEDGER_IN_USE') throw error;
      const holder = readHolder(settings.ledger);
      const named = holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
      if (named && holder.kind === 'daemon') return undefined;
      if (named || io.monotonic() > until) throw error;
      await io.sleep(ASK_EVERY_MS, signal);
    }
  }
}

async function askDaemon<Answer extends object>(
  request: Asked,
  { settings, io, signal }: PerformOptions,
): Promise<Performed<Answer>> {
  const db = openLedgerForRequests(settings.ledger);
  try {
    return await askOver(db, request, { settings, io, signal });
  } catch (error) {
    throw ledgerProblem(error, settings.ledger);
  } finally {
    db.close();
  }
}

async function askOver<Answer extends object>(
  db: ReturnType<typeof openLedgerForRequests>,
  request: Asked,
  { settings, io, signal }: Pick<PerformOptions, 'settings' | 'io' | 'signal'>,
): Promise<Performed<Answer>> {
  const id = leaveRequest(db, request.verb, JSON.stringify(request), `${hostname()}:${process.pid}`, io.now());
  io.log.info({ verb: request.verb, job: request.job }, 'the daemon was asked to execute this');
  for (;;) {
    const answer = answerOf(db, id);
    if (typeof answer === 'object') return read(answer.answer, answer.exitCode);
    // An answer that came between the two looks is not thrown away.
    if (answer === 'gone' || (!daemonLives(settings.ledger) && withdrawRequest(db, id, true))) {
      throw new TransferError('DAEMON_GONE', 'the daemon ended before it answered', {
        hint: 'nothing is lost; run the same command again',
      });
    }
    try {
      await io.sleep(ASK_EVERY_MS, signal);
    } catch (error) {
      withdrawRequest(db, id);
      throw error;
    }
  }
}

function read<Answer extends object>(answer: string, exitCode: number): Performed<Answer> {
  const told: { executed: Answer } | { error: { code: string; message: string; hint?: string } } = JSON.parse(answer);
  if ('executed' in told) return { executed: told.executed, exitCode };
  const { code, message, hint } = told.error;
  throw new TransferError(code, message, hint === undefined ? {} : { hint });
}

function daemonLives(ledger: string): boolean {
  const holder = readHolder(ledger);
  return holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
}
