import { checkMembers } from '../check-members.ts';
import { bring, changes, IN_A_SYNC, marksOf, range, SEGMENTS, segmentsJob } from '../members.ts';
import type { Scenario } from '../scenario.ts';

/** Who comes and who goes, also back and forth from one file to the next. */
export const scenario: Scenario = {
  name: 'segments-changes',
  about: 'changes of segments, synced to cohorts',
  weight: 0.7,
  reaches: { run: IN_A_SYNC },
  world: { remote: 'local', tools: ['cohorts'] },
  rules: { by: 'person' },
  faults: { extole: 0.2 },
  check: (end) => checkMembers(end, SEGMENTS, marksOf(end.history.world)),
  async tell(story) {
    story.job(segmentsJob(story, 'changes'));
    const come = range(0, 10).map((n) => [n, n % 2 === 0 ? 'vip' : 'new', 'add'] as const);
    // Somebody always goes: with nobody in it but the refused, the file is held.
    const gone = come.filter((_, i) => i === 0 || story.chance.hit(0.5));
    await bring(story, changes('day-1.csv', come), 3);
    await bring(
      story,
      changes(
        'day-2.csv',
        gone.map(([n, segment]) => [n, segment, 'remove'] as const),
      ),
      2,
    );
    await bring(
      story,
      changes('day-3.csv', [...gone.slice(0, 2), ...range(20, 24).map((n) => [n, 'vip', 'add'] as const)]),
      2,
    );
  },
};
