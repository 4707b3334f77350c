import { findSegment } from '../../ledger/segments.ts';
import type { RunContext } from '../files/context.ts';
import type { Judged, SyncEnd, SyncRequest } from './sync.ts';

/** So long at once, milliseconds, so that the wait is seen to go on and can be broken off. */
const LOOK_MS = 1000;

/**
 * Waits before a sync begins until the target keeps the changes of the one before apart from its own. An end where somebody waits for the run
 * to make room: a later run goes on. Throws the signal's reason.
 */
export async function keepQuiet(
  { ledger, io, signal, pause, destinationId, progress }: RunContext,
  { segment, name, target: { quietMs = 0 } }: SyncRequest,
  judged: Judged,
): Promise<SyncEnd | undefined> {
  if (!('plan' in judged) || judged.plan.toAdd + judged.plan.toRemove === 0) return undefined;
  const last = findSegment(ledger, destinationId, segment.name)?.syncedAt ?? Number.NEGATIVE_INFINITY;
  // A clock that was set back makes it no longer.
  const wait = Math.min(quietMs, last + quietMs - io.now());
  const until = io.monotonic() + wait;
  for (let left = wait; left > 0; left = until - io.monotonic()) {
    const reason = `${name} waits for another ${Math.ceil(left / 1000)} s, so that the target keeps this change apart from the last (setting quiet)`;
    if (pause?.aborted) return { kind: 'open', code: 'SEGMENT_BUSY', reason };
    if (left === wait) io.log.info({ segment: segment.name }, reason);
    const total = Math.ceil(wait / 1000);
    progress({ file: name, phase: 'waiting', done: total - Math.ceil(left / 1000), total, unit: 'seconds' });
    await io.sleep(Math.min(left, LOOK_MS), signal);
  }
  return undefined;
}
