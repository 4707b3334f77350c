import { checkMembers } from '../check-members.ts';
import {
  bring,
  IN_A_SYNC,
  isSynced,
  marksOf,
  noteThrough,
  operationsAfter,
  range,
  SEGMENTS,
  segmentsJob,
  snapshot,
} from '../members.ts';
import type { Scenario } from '../scenario.ts';

const RELEASING = 'releasing a segment';

/** Of a snapshot of two segments one loses too many: the other is synced, and the held one when a person lets it. */
export const scenario: Scenario = {
  name: 'segments-held',
  about: 'a segment of a membership file that is held while the other is synced, and released then',
  weight: 0.5,
  reaches: { run: IN_A_SYNC, [RELEASING]: ['decision-applied', ...IN_A_SYNC] },
  world: { remote: 'local', tools: ['cohorts'] },
  rules: { by: 'person' },
  faults: { extole: 0.2 },
  check: (end) => checkMembers(end, SEGMENTS, marksOf(end.history.world)),
  async tell(story) {
    story.job({ ...segmentsJob(story, 'snapshot'), guards: { maxShrink: 0.2, maxGrowth: 1000 } });
    const [vip, fresh] = [range(0, 12), range(50, 62)];
    await bring(story, snapshot('day-1.csv', { vip, new: fresh }), 2);
    const file = snapshot('day-2.csv', { vip: range(1, 16), new: fresh.slice(0, 5) });
    story.drop(file);
    await story.live(['run', 'feed', '--json'], { kills: 2, until: isSynced });
    if (operationsAfter(story.world).some(({ segment }) => segment === 'new'))
      story.complain('phantom', 'a change of the held segment has left before a person let it');
    await story.live(['release', 'day-2.csv', '--reason', 'so it is', '--json'], {
      kills: 3,
      until: () => true,
      chapter: RELEASING,
    });
    await story.live(['run', 'feed', '--json'], { kills: 1, until: isSynced });
    noteThrough(story.world);
  },
};
