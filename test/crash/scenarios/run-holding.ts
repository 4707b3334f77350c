import { releaseAll } from '../holding.ts';
import type { Scenario } from '../scenario.ts';

/** An Extole of which nobody knows whether it drops known keys: unknown rows are held, and a person releases them. */
export const scenario: Scenario = {
  name: 'run-holding',
  about: 'run, unknown rows are held and released by a person',
  world: { remote: 'local' },
  rules: { resends: false, ordered: false },
  faults: { extole: 0.25 },
  async tell(story) {
    story.job({ delivery: { unknown: 'hold' } });
    const first = story.sampler.file('day-1.csv', { rows: 16 });
    story.drop(first);
    story.drop(story.sampler.file('day-2.csv', { rows: 8, before: [first] }));
    await story.live(['run', 'feed', '--json'], { kills: 8 });
    await releaseAll(story, 'live');
  },
};
