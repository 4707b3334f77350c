import { releaseAll } from '../holding.ts';
import type { Scenario } from '../scenario.ts';

/** The same with a daemon, which executes the person's command and dies in it. */
export const scenario: Scenario = {
  name: 'daemon-holding',
  about: 'daemon, unknown rows are held and released by a person while it lives',
  world: { remote: 'local' },
  rules: { resends: false, ordered: false },
  faults: { extole: 0.25 },
  async tell(story) {
    story.job({ delivery: { unknown: 'hold' } });
    story.drop(story.sampler.file('day-1.csv', { rows: 20 }));
    await story.live(['run', 'feed', '--json'], { kills: 1, until: () => true, mayDie: true });
    await story.daemon({ kills: 5 });
    await releaseAll(story, 'ask');
  },
};
