import type { Answer, Outgoing } from '../model.ts';

/** A worked exchange with a provider. A test runs each one against the provider's own code, so the examples stay true. */
export interface Exchange {
  title: string;
  settings: unknown;
  batch: Outgoing[];
  /** Header names as they are sent. */
  request: { method: string; url: string; headers: Record<string, string>; body: unknown };
  /** Header names in lower case. */
  reply: { status: number; headers: Record<string, string>; body: string };
  answers: Answer[];
}
