import { describe, expect, it } from 'vitest';
import type { FaultName, FaultSource } from '../../src/sandbox/extole/faults.ts';
import { crashFiles, seeded } from '../integration/support/e2e-crash-files.ts';
import { checkLane, isThrough, liveUntilThrough, openLaneWorld } from '../integration/support/e2e-crash-lanes.ts';

/** So many random lives for each lane; each takes about eight seconds. `CRASH_SEED=x` begins with another one. */
const WORLDS = Number(process.env.CRASH_LANES ?? 1);
const SEED = process.env.CRASH_SEED ?? 'a';

const OF_LOOKS: readonly FaultName[] = ['429', '500pre', 'resetpre', 'badjson-pre'];
const OF_POSTS: readonly FaultName[] = ['500post', 'resetpost', '500pre', 'resetpre', 'badjson-post', '429'];

function randomFaults(random: () => number): FaultSource {
  return ({ method }) => {
    const faults = method === 'GET' ? OF_LOOKS : OF_POSTS;
    return random() < 0.35 ? faults[Math.floor(random() * faults.length)] : undefined;
  };
}

describe('a lane of whole files, killed at any time and cut off at any time', () => {
  for (const lane of ['sftp', 'batch'] as const) {
    for (let n = 1; n <= Math.max(1, WORLDS); n++) {
      it(`C-random-lane: ${lane}, seed ${SEED}${n}`, async () => {
        const random = seeded(`${SEED}${n}${lane}`);
        const { world } = await openLaneWorld(lane);
        const files = crashFiles(24);
        const sftp = world.extoleSftp;
        if (sftp) {
          Object.assign(sftp.folder.behaviour, {
            order: 'shuffled',
            halfWrittenMs: Math.floor(random() * 60),
            resultsAfterMs: Math.floor(random() * 100),
            hasty: random() < 0.5,
          });
        }
        for (let life = 0; life < 7 && !isThrough(world); life++) {
          if (lane === 'batch') world.extole.setFaults(randomFaults(random));
          if (sftp) sftp.server.quirks.renameReplyLost = random() < 0.5;
          const process = world.start(['run', 'feed', '--json']);
          const kill = setTimeout(() => process.kill('SIGKILL'), 250 + random() * 900);
          const cut = setInterval(() => random() < 0.3 && sftp?.server.dropConnections(), 120);
          await process.done;
          clearTimeout(kill);
          clearInterval(cut);
        }
        world.extole.setFaults(undefined);
        const ends = await liveUntilThrough(world, 6);
        expect(isThrough(world), ends.map(({ stdout, stderr }) => stdout + stderr).join('\n')).toBe(true);
        checkLane(world, files, lane);
        await world.close();
      }, 120_000);
    }
  }
});
