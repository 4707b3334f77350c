import type { Scenario } from '../scenario.ts';

/** As it is meant to run: a daemon, and verify-dedupe has found that Extole drops a key it knows, so that unknown rows are sent again. */
export const scenario: Scenario = {
  name: 'daemon-verified',
  about: 'daemon, lane async-events, unknown rows sent again because verify-dedupe said so',
  weight: 2,
  world: { remote: 'local' },
  faults: { extole: 0.3 },
  async tell(story) {
    story.job({ delivery: { unknown: 'auto' } });
    await story.live(['verify-dedupe', 'feed', '--settle', '20ms'], { kills: 2, until: (_, { code }) => code === 0 });
    const first = story.sampler.file('day-1.csv', { rows: 16 });
    const second = story.sampler.file('day-2.csv', { rows: 8, before: [first] });
    for (const file of [first, second]) story.drop(file);
    await story.daemon({ kills: 8 });
    story.drop(story.sampler.file('day-3.csv', { rows: 8, before: [first, second] }));
    await story.daemon({ kills: 5 });
  },
};
