import { describe, expect, it } from 'vitest';
import { checkLane, isThrough, liveUntilThrough, openLaneWorld } from '../integration/support/e2e-crash-lanes.ts';

/** One after the other, in one ledger: each life is ended at a named place, and the next one goes on from there. */
const POINTS = {
  sftp: [
    'sealed:1',
    'upload-named:1',
    'committed:1',
    'upload-written:1',
    'upload-planned:1',
    'uploaded:1',
    'results-read:1',
    'published:1',
    'upload-written:1',
    'uploaded:1',
    'archived:1',
  ],
  batch: [
    'upload-named:1',
    'committed:1',
    'upload-written:1',
    'upload-planned:1',
    'uploaded:1',
    'batch-planned:1',
    'batch-started:1',
    'results-read:1',
    'upload-planned:1',
    'batch-planned:1',
    'published:1',
  ],
} as const;

describe('a process that dies while it sends a whole file', () => {
  for (const lane of ['sftp', 'batch'] as const) {
    it(`C-lane: lane ${lane}: is continued by the next one, and nothing is sent a second time`, async () => {
      const { world, files } = await openLaneWorld(lane);
      const survived: string[] = [];
      for (const point of POINTS[lane]) {
        const end = await world.cli(['run', 'feed', '--json'], { REFERRY_CRASH_AT: point });
        if (end.signal !== 'SIGKILL') survived.push(`${point}: exit ${end.code}\n${end.stderr}${end.stdout}`);
      }
      const ends = await liveUntilThrough(world);
      expect(survived).toEqual([]);
      expect(isThrough(world), ends.map(({ stdout, stderr }) => stdout + stderr).join('\n')).toBe(true);
      checkLane(world, files, lane);
      await world.close();
    }, 120_000);
  }
});
