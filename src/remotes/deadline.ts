import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Io } from '../model.ts';

/** Waits for `work` no longer than `ms`: then `cut` is called, which must make `work` fail, or its answer is given up. */
export async function withDeadline<T>(io: Io, ms: number, work: Promise<T>, cut: () => void): Promise<T> {
  const settled = new AbortController();
  const late = (async () => {
    await sleepUntil(io, io.monotonic() + ms, settled.signal);
    cut();
    throw new Error(`no answer within ${ms} ms`);
  })();
  late.catch(() => {});
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}

/** By the monotonic clock, so that a clock whose sleep returns early does not cut anything short. */
export async function sleepUntil(io: Io, due: number, signal: AbortSignal): Promise<void> {
  for (let left = due - io.monotonic(); left > 0; left = due - io.monotonic()) {
    await io.sleep(left, signal);
    await nextTurn();
  }
  signal.throwIfAborted();
}
