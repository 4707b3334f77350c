import type { Answer } from '../model.ts';

/** A person whose profile at a CRM or e-mail tool is to be brought up to date. Values are text, as they are to be stored. */
export interface Profile {
  /** Lower case, without spaces. At least one of email and userId is there. */
  email?: string;
  /** The company's own id of the person; what a provider calls it is one of its settings. */
  userId?: string;
  /** Names of properties, columns or attributes, spelled as the provider has them, to values that are not empty. */
  fields: Readonly<Record<string, string>>;
}

/**
 * An opened way to a provider that takes profiles. Sending one twice does no harm: fields are set, not added to. So what
 * got no clear answer is `unknown`, and the caller sends it again.
 */
export interface ProfileSender {
  /** What the provider takes in one call; the caller sends no more at once. */
  readonly maxBatchSize: number;
  /**
   * Sends 1 to maxBatchSize profiles of different persons, at the pace that the provider allows; answers[i] is of batch[i]. A call
   * that is refused because of one profile is split until that one stands alone: at most 2 log2 n calls more. Waits and asks
   * where the provider answers later. Throws only the signal's reason.
   */
  send(batch: readonly Profile[], signal: AbortSignal): Promise<Answer[]>;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

/** A worked call: a test runs each against the provider's own code, so that the examples stay true. */
export interface ProfileExchange {
  title: string;
  settings: unknown;
  batch: Profile[];
  /** In order. Header names as they are sent; replies have theirs in lower case. */
  calls: {
    request: { method: string; url: string; headers: Record<string, string>; body: unknown };
    reply: { status: number; headers: Record<string, string>; body: string };
  }[];
  answers: Answer[];
}
