import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

// Young objects get the room they have at the start, and no more: it would grow to 130 MB without being needed.
setFlagsFromString('--semi-space-growth-factor=1');

/** Garbage, in bytes, that is worth a collection of some 30 ms: in the heap, and in buffers outside of it. */
const WORTH_IT = 24 * 1024 * 1024;
const WORTH_IT_OUTSIDE = 14 * 1024 * 1024;
/** Calls between two looks; a look costs some microseconds. */
const LOOK_EVERY = 8;

let calls = 0;
let next = 0;
let nextOutside = 0;
let collect: (() => void) | undefined;

/**
 * Collects garbage once enough has piled up. A long pass over a file leaves little behind, but V8 would let the garbage of
 * hundreds of thousands of rows pile up before it looks, and the process would seem to need that much. Call it once a
 * batch. What is really in use is never limited by this.
 */
export function keepHeapSmall(): void {
  if (++calls % LOOK_EVERY !== 0) return;
  const before = getHeapStatistics();
  if (before.used_heap_size < next && before.external_memory < nextOutside) return;
  collect ??= collector();
  collect();
  const after = getHeapStatistics();
  // What survived is in use, or soon will be garbage as well: the more it is, the longer until the next time.
  next = after.used_heap_size + Math.max(WORTH_IT, after.used_heap_size / 2);
  nextOutside = after.external_memory + Math.max(WORTH_IT_OUTSIDE, after.external_memory / 2);
}

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  return typeof gc === 'function' ? () => gc() : () => {};
}
