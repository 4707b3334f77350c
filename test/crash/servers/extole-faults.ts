import type { FaultName, FaultSource } from '../../../src/sandbox/extole/faults.ts';

/**
 * How often each, of the requests that are answered badly. Every answer that a client cannot tell apart is there in both
 * kinds: taken, and not taken. The rest is slow.
 */
const MIX: readonly (readonly [share: number, name: FaultName])[] = [
  [0.1, '429'],
  [0.1, '500pre'],
  [0.13, '500post'],
  [0.12, 'resetpost'],
  [0.1, 'resetpre'],
  [0.05, 'badjson-post'],
  [0.05, 'badjson-pre'],
  [0.03, 'html-pre'],
  [0.03, 'html-post'],
  [0.02, 'empty-object'],
  [0.02, 'null-id'],
  [0.04, 'cut-headers'],
  [0.04, 'cut-body'],
  [0.02, '503pre'],
  [0.02, 'timeout-pre'],
  [0.02, 'timeout-post'],
  [0.03, 'close-idle'],
];

const SLOW_MS = 30;

/** Answers `share` of the requests badly. */
export function faultMix(random: () => number, share: number): FaultSource {
  return () => {
    let r = random();
    if (r >= share) return undefined;
    r /= share;
    for (const [part, name] of MIX) {
      if (r < part) return name;
      r -= part;
    }
    return { kind: 'slow', ms: SLOW_MS };
  };
}
