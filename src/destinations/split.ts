import type { Answer } from '../model.ts';

/** What came of a call: an answer for each of its rows, in order, or a refusal of the whole call because of some row in it. */
export type Called = { answers: readonly Answer[] } | { refused: Answer };

/** The same answer for each. */
export function all(rows: readonly unknown[], answer: Answer): Called {
  return { answers: rows.map(() => answer) };
}

/**
 * Calls with the whole batch; where that is refused, with halves of it, until each bad row stands alone and has a refusal of its
 * own. answers[i] is of batch[i]. For one bad row among n: at most 2 log2 n calls after the first. One call at a time, in the order
 * of the batch. What was not called yet when the provider halts gets that answer without a call. Throws the signal's reason, and
 * what `call` throws.
 */
export async function splitRefused<Row>(
  batch: readonly Row[],
  call: (part: readonly Row[]) => Promise<Called>,
  signal: AbortSignal,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let halt: Answer | undefined;

  /** `refused`: some row of the part is bad, which is known without asking. Returns whether every row was decided on, none refused. */
  async function settle(part: readonly Row[], refused: boolean): Promise<boolean> {
    if (halt) {
      for (let rows = part.length; rows > 0; rows -= 1) answers.push(halt);
      return false;
    }
    if (!refused || part.length === 1) {
      signal.throwIfAborted();
      const called = await call(part);
      if ('answers' in called) return take(called.answers);
      if (part.length === 1) {
        answers.push(called.refused);
        return false;
      }
    }
    // The smaller half first: it costs a call more where the bad row is in it.
    const middle = Math.floor(part.length / 2);
    const firstIsFine = await settle(part.slice(0, middle), false);
    await settle(part.slice(middle), firstIsFine);
    return false;
  }

  function take(part: readonly Answer[]): boolean {
    answers.push(...part);
    const halted = part.find(({ kind }) => kind === 'halted');
    if (halted?.kind === 'halted') halt = { kind: 'halted', code: halted.code, reason: halted.reason };
    return part.every(({ kind }) => kind === 'accepted' || kind === 'rejected');
  }

  if (batch.length > 0) await settle(batch, false);
  return answers;
}
