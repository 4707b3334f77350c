import type { NoticeKind, Severity } from './kinds.ts';

/**
 * What is said to people. Nothing in it comes out of a file: jobs, codes, counts, days, and the numbers of runs and processings
 * (`p12`), by which the commands find the rest. No file name, since some hold a person's.
 */
export interface NoticeBody {
  phase: 'opened' | 'solved' | 'summary' | 'test';
  kind: NoticeKind | 'summary' | 'test';
  severity: Severity;
  job: string;
  /** One line. */
  title: string;
  /** What it means and what to do. */
  text: string;
  /** Codes and numbers, for programs. */
  detail: Readonly<Record<string, string | number>>;
  /** When it came to be; ISO 8601. */
  at: string;
}

export interface NoticeMessage extends NoticeBody {
  /** The same at every try, so that a reader can drop what arrives twice. */
  id: string;
  /** The same for a matter and its solution. */
  subject: string;
}

/** What became of one try. `problem` never holds a secret or an answer's body. */
export type Sent =
  | { kind: 'sent' }
  /** This message can never go; others may. */
  | { kind: 'refused'; problem: string }
  /** The channel cannot be used now. */
  | { kind: 'failed'; problem: string };

/** A way to people, opened for a few messages. `send` never throws. */
export interface Channel extends AsyncDisposable {
  send(message: NoticeMessage): Promise<Sent>;
}

const SIGNS: Readonly<Record<Severity, string>> = { info: 'ℹ', warning: '▲', error: '✕', critical: '‼' };

/** The line that comes first in every channel: a solved matter reads as one. */
export function headline({ phase, severity, title }: Pick<NoticeBody, 'phase' | 'severity' | 'title'>): string {
  return phase === 'solved' ? `✓ ${title}` : `${SIGNS[severity]} ${title}`;
}
