import { hostname } from 'node:os';
import { openLedger, openLedgerForRequests, readHolder } from '../ledger/open.ts';
import { answerOf, leaveRequest, withdrawRequest } from '../ledger/requests.ts';
import { type Io, TransferError } from '../model.ts';
import type { Progress } from '../pipelines/deliver-events/context.ts';
import { type Executed, execute, type Request } from '../schedule/execute.ts';
import type { Settings } from '../settings.ts';

const ASK_EVERY_MS = 200;

export interface PerformOptions {
  settings: Settings;
  io: Io;
  signal: AbortSignal;
  progress: (progress: Progress) => void;
}

/** Executes a request: here, or by the daemon that holds the ledger, whose answer is waited for. */
export async function perform(
  request: Request,
  options: PerformOptions,
): Promise<{ executed: Executed; exitCode: number }> {
  const { settings, io, signal, progress } = options;
  try {
    const ledger = await openLedger(settings.ledger, 'command', io);
    try {
      return await execute(request, {
        ledger,
        io,
        signal,
        jobs: settings.jobs,
        state: settings.state,
        cause: 'command',
        progress,
        crashPoint: crashPointFrom(io),
      });
    } finally {
      await ledger.close();
    }
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'LEDGER_IN_USE') throw error;
    if (readHolder(settings.ledger)?.kind !== 'daemon') throw error;
    return askDaemon(request, options);
  }
}

async function askDaemon(
  request: Request,
  { settings, io, signal }: PerformOptions,
): Promise<{ executed: Executed; exitCode: number }> {
  const db = openLedgerForRequests(settings.ledger);
  try {
    const id = leaveRequest(db, request.verb, JSON.stringify(request), `${hostname()}:${process.pid}`, io.now());
    io.log.info({ verb: request.verb, job: request.job }, 'the daemon was asked to execute this');
    for (;;) {
      const answer = answerOf(db, id);
      if (answer) return read(answer.answer, answer.exitCode);
      if (!isAlive(settings.ledger)) {
        withdrawRequest(db, id);
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
  } finally {
    db.close();
  }
}

function read(answer: string, exitCode: number): { executed: Executed; exitCode: number } {
  const executed: Executed | { verb: 'error'; code: string; message: string; hint?: string } = JSON.parse(answer);
  if (executed.verb !== 'error') return { executed, exitCode };
  throw new TransferError(executed.code, executed.message, executed.hint === undefined ? {} : { hint: executed.hint });
}

function isAlive(ledger: string): boolean {
  const holder = readHolder(ledger);
  if (!holder) return false;
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** For crash tests: `REFERRY_CRASH_AT=name:n` ends the process, as a power cut would, the n-th time it comes by. */
function crashPointFrom(io: Io): (name: string) => void {
  const [name, nth = '1'] = (io.env.REFERRY_CRASH_AT ?? '').split(':');
  if (!name) return () => {};
  let left = Number(nth);
  return (passed) => {
    if (passed === name && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
