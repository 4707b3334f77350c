import type { Ledger } from '../ledger/open.ts';
import type { ExitCode, Io } from '../model.ts';
import type { Progress } from '../pipelines/files/context.ts';

/** What is asked for. It travels to the daemon as JSON, so it holds plain values only; what a verb needs more stands beside. */
export interface Asked {
  verb: string;
  /** The job it is about. Absent: it is about all of them, or about the ledger. */
  job?: string;
}

export interface ExecuteOptions {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  /** Folder of the job files. */
  jobs: string;
  /** Folder of the ledger, the staging and everything else that stays on this machine. */
  state: string;
  cause: 'schedule' | 'catch-up' | 'command' | 'demo';
  /** Given once somebody waits for the work to end: one that goes on for hours makes room. */
  pause?: AbortSignal;
  progress?: (progress: Progress) => void;
  /** A line for the person who waits; without it, it goes to the log. */
  say?: (line: string) => void;
  crashPoint?: (name: string) => void;
  /** The number of the request, where the daemon executes for a command. */
  requestId?: number;
}

/** `executed` goes back as JSON to the command that asked. */
export interface Done<Answer extends object> {
  executed: Answer;
  exitCode: ExitCode;
}

/**
 * Something that only the process which holds the ledger's lock may do: a command, or the daemon for it. One with a job runs
 * while nothing else of that job does; one without a job runs while nothing else does at all. A process that dies in it
 * must leave behind what the next run goes on from: the request itself may never be answered.
 */
export interface Verb<Request extends Asked, Answer extends object> {
  name: Request['verb'];
  execute(request: Request, options: ExecuteOptions): Promise<Done<Answer>>;
}
