import type { Answer } from '../model.ts';
import { allRefused, ENOUGH, everyOne, notSentAfter, partsOf, type Row } from './jobs.ts';
import { all, type Called, splitRefused } from './split.ts';

/** Something on its way, as JSON: a profile, or the change of a member. */
export interface Outgoing<Item> extends Row {
  item: Item;
}

/** An item as a provider takes it, or why it does not leave. `kind`: calls carry items of one kind only. */
export type Prepared = { json: string; kind: string } | { refused: Answer };

/** A provider that answers each call at once. */
export interface CallProvider<Item> {
  prepare(item: Item): Prepared;
  /** What a call takes at most; `bytes` of the items with a comma between them. */
  bounds: { rows: number; bytes: number };
  call(rows: readonly Outgoing<Item>[], signal: AbortSignal): Promise<Called>;
  /** The same answer without what the item says of a person: a provider may repeat what it refuses. */
  masked(answer: Answer, item: Item): Answer;
  /** Whether a refusal says nothing against the settings, however many there are of those. Default: none. */
  isUnknown?(answer: Answer): boolean;
  /** Cuts what is on the wire. */
  close(): Promise<void>;
}

/** See `ProfileSender`. */
interface CallSender<Item> {
  readonly maxBatchSize: number;
  send(batch: readonly Item[], signal: AbortSignal): Promise<Answer[]>;
  close(): Promise<void>;
}

export function createCallSender<Item>(provider: CallProvider<Item>): CallSender<Item> {
  return {
    maxBatchSize: provider.bounds.rows,
    send: (batch, signal) => sendInCalls(batch, provider, signal),
    close: () => provider.close(),
  };
}

/**
 * Sends a batch as calls of bounded size, one after the other, and splits what is refused because of one item. Where a call has no
 * good answer in spite of all patience, or one item after the other is refused, the rest is not sent. answers[i] is of
 * batch[i]. Throws the signal's reason only.
 */
async function sendInCalls<Item>(
  batch: readonly Item[],
  work: CallProvider<Item>,
  signal: AbortSignal,
): Promise<Answer[]> {
  const isFine = (answer: Answer): boolean => answer.kind === 'accepted' || work.isUnknown?.(answer) === true;
  const answers = batch.map(() => NOTHING);
  const kinds = new Map<string, Outgoing<Item>[]>();
  let stop: Answer | undefined;
  let taken = false;
  let alone = 0;

  signal.throwIfAborted();
  for (const [at, item] of batch.entries()) {
    const prepared = work.prepare(item);
    const bytes = 'json' in prepared ? Buffer.byteLength(prepared.json) : 0;
    if ('refused' in prepared) answers[at] = prepared.refused;
    else if (bytes > work.bounds.bytes) answers[at] = tooLarge(bytes, work.bounds.bytes);
    else {
      const rows = kinds.get(prepared.kind) ?? [];
      rows.push({ at, item, json: prepared.json, bytes });
      kinds.set(prepared.kind, rows);
    }
  }

  /** Makes the call unless something speaks against any. */
  async function call(rows: readonly Outgoing<Item>[]): Promise<Called> {
    if (stop) return all(rows, stop);
    const called = await work.call(rows, signal);
    if ('answers' in called) {
      taken ||= called.answers.some(isFine);
      stop = called.answers[0] && stoppedBy(called.answers[0]);
      return called;
    }
    const [row, ...others] = rows;
    if (!row || others.length > 0 || taken) return called;
    alone += 1;
    if (alone === ENOUGH && !(await oneIsTaken())) stop = everyOne(work.masked(called.refused, row.item));
    return called;
  }

  /** The bad ones may stand together. Asks for others, from the middle on. */
  async function oneIsTaken(): Promise<boolean> {
    const rows = [...kinds.values()].flat();
    for (const share of [0.5, 0.75, 1]) {
      const row = rows[Math.ceil(rows.length * share) - 1];
      if (row && !('refused' in (await work.call([row], signal)))) return true;
    }
    return false;
  }

  for (const rows of kinds.values()) {
    for (const part of partsOf(rows, work.bounds)) {
      const called = await splitRefused(part, call, signal);
      for (const [i, { at, item }] of part.entries()) answers[at] = work.masked(called[i] ?? NOTHING, item);
    }
  }
  const halt = taken ? undefined : allRefused(answers);
  return halt ? answers.map(() => halt) : answers;
}

/** What keeps the rest of a batch from leaving. */
function stoppedBy(answer: Answer): Answer | undefined {
  return answer.kind === 'accepted' || answer.kind === 'rejected' ? undefined : notSentAfter(answer);
}

function tooLarge(bytes: number, most: number): Answer {
  const reason = `it has ${bytes} bytes, and a call takes ${most}: send fewer or shorter fields`;
  return { kind: 'rejected', code: 'PROFILE_TOO_LARGE', reason };
}

const NOTHING: Answer = { kind: 'unknown', code: 'NO_ANSWER', reason: 'no answer to this one' };
