import { askedFor } from '../delivery/backoff.ts';
import type { Answer } from '../model.ts';
import { all, type Called, splitRefused } from './split.ts';

/** A profile as it is sent. */
export interface Row {
  /** Its place in the batch. */
  at: number;
  json: string;
  bytes: number;
}

/** What came of handing in rows as a job: its id, a refusal because of some row, or an answer for all of them. */
export type HandedIn = { job: string } | { refused: Answer } | { answer: Answer };

export interface JobWork {
  /** What a call takes at most; `bytes` of the rows with a comma between them. */
  bounds: { rows: number; bytes: number };
  handIn(rows: readonly Row[], signal: AbortSignal): Promise<HandedIn>;
  /** Waits until the job is done; answers[i] is of rows[i]. */
  answersOf(job: string, rows: readonly Row[], signal: AbortSignal): Promise<Answer[]>;
}

/** So many profiles refused and none accepted: it is the settings, not the profiles. */
export const ENOUGH = 50;

/**
 * Hands rows in as jobs of bounded size, splitting what is refused because of one row, then asks what became of each job. The
 * provider works on all of them meanwhile. Answers by place in the batch. Throws the signal's reason only.
 */
export async function sendAsJobs(
  rows: readonly Row[],
  work: JobWork,
  signal: AbortSignal,
): Promise<Map<number, Answer>> {
  const answers = new Map<number, Answer>();
  const jobs: { job: string; rows: readonly Row[] }[] = [];
  let alone = 0;
  let stop: Answer | undefined;

  async function call(part: readonly Row[]): Promise<Called> {
    if (stop) return all(part, stop);
    const handedIn = await work.handIn(part, signal);
    if ('job' in handedIn) {
      jobs.push({ job: handedIn.job, rows: part });
      return all(part, HANDED_IN);
    }
    if ('refused' in handedIn) {
      if (part.length === 1) alone += 1;
      if (jobs.length > 0 || alone < ENOUGH) return handedIn;
      stop = everyOne(handedIn.refused);
      return all(part, stop);
    }
    const { answer } = handedIn;
    // Who could not be reached for so long is not asked once more for each part.
    stop = notSentAfter(answer);
    return all(part, answer);
  }

  for (const part of partsOf(rows, work.bounds)) {
    const called = await splitRefused(part, call, signal);
    for (const [i, row] of part.entries()) answers.set(row.at, called[i] ?? LOST);
  }
  for (const { job, rows: part } of jobs) {
    const known = await work.answersOf(job, part, signal);
    for (const [i, row] of part.entries()) answers.set(row.at, known[i] ?? LOST);
  }
  const halt = allRefused([...answers.values()]);
  return halt ? new Map([...answers.keys()].map((at) => [at, halt])) : answers;
}

/** How long to wait before the n-th look (from 0) at a job: a small one is done soon, a large one is not asked after all the time. */
export function lookAfterMs(nth: number, pollMs: number): number {
  return Math.min(pollMs, (pollMs / 10) * 2 ** Math.min(nth, 10));
}

/**
 * Where all of many profiles are refused it is the settings: a column that is not there, a type that is another one. Rejected they
 * would be for good. `undefined`: not all were, or not many. Else the answer for each.
 */
export function allRefused(answers: readonly Answer[]): Answer | undefined {
  const first = answers.find(({ kind }) => kind === 'rejected');
  if (!first || answers.length < ENOUGH) return undefined;
  const isNo = (answer: Answer): boolean =>
    answer.kind === 'rejected' || (answer.kind === 'halted' && answer.code === EVERY);
  return answers.every(isNo) ? everyOne(first) : undefined;
}

/** Rows in order, as many in a part as both bounds allow; a row that is larger than a part is one of its own. */
export function partsOf<R extends Row>(rows: readonly R[], bounds: { rows: number; bytes: number }): R[][] {
  const parts: R[][] = [];
  let part: R[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (part.length > 0 && (part.length >= bounds.rows || bytes + row.bytes > bounds.bytes)) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    part.push(row);
    bytes += row.bytes + 1;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

/** Stands for an answer while a part is split: the call was not refused. It never leaves this file. */
const HANDED_IN: Answer = { kind: 'accepted', proof: { kind: 'batch_counts', eventId: '' } };

const LOST: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'handed in; what became of it is not known' };

const EVERY = 'EVERY_PROFILE_REFUSED';

export function everyOne(refused: Answer): Answer {
  const reason = `one after the other was refused and none accepted, so it is the settings: ${reasonOf(refused)}; check them`;
  return { kind: 'halted', code: EVERY, reason };
}

/** What the rest of a batch is answered that is not sent because of this answer: what halts, halts the rest too. */
export function notSentAfter(answer: Answer): Answer {
  if (answer.kind === 'halted') return answer;
  const after = askedFor(answer);
  return {
    kind: 'retryable',
    code: 'NOT_SENT',
    reason: `nothing was sent after: ${reasonOf(answer)}`,
    ...(after > 0 ? { afterMs: after } : {}),
  };
}

function reasonOf(answer: Answer): string {
  return answer.kind === 'accepted' ? '' : `${answer.code} (${answer.reason})`;
}
