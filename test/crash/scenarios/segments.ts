import type { Chance } from '../chance.ts';
import { checkMembers } from '../check-members.ts';
import { bring, IN_A_SYNC, marksOf, range, SEGMENTS, segmentsJob, snapshot } from '../members.ts';
import type { Scenario } from '../scenario.ts';

/** Of those that are in, some go, and about as many come. */
function moved(chance: Chance, members: readonly number[], from: number): number[] {
  const stay = members.filter(() => chance.hit(0.9));
  return [...stay, ...range(from, from + 2 + chance.below(2))];
}

/** Snapshots of two segments become cohorts; what leaves are differences, chunk by chunk, to a target that lies. */
export const scenario: Scenario = {
  name: 'segments',
  about: 'segments of membership files, synced to cohorts',
  reaches: { run: IN_A_SYNC },
  world: { remote: 'local', tools: ['cohorts'] },
  rules: { by: 'person' },
  faults: { extole: 0.2 },
  check: (end) => checkMembers(end, SEGMENTS, marksOf(end.history.world)),
  async tell(story) {
    story.job(segmentsJob(story, 'snapshot'));
    let vip = range(0, 9);
    let fresh = range(50, 56);
    for (const day of [1, 2, 3]) {
      await bring(story, snapshot(`day-${day}.csv`, { vip, new: fresh }), day === 1 ? 3 : 2);
      vip = moved(story.chance, vip, 9 + day * 5);
      fresh = moved(story.chance, fresh, 56 + day * 5);
    }
  },
};
