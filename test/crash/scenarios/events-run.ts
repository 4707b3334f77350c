import type { Scenario } from '../scenario.ts';

/** The usual way, with the lane for few rows: three days of a cumulative feed, of which each repeats and contradicts the ones before. */
export const scenario: Scenario = {
  name: 'events-run',
  about: 'run, lane events, three days of a cumulative feed',
  weight: 2,
  world: { remote: 'local' },
  faults: { extole: 0.35 },
  async tell(story) {
    story.job({ destination: { extole: { lane: 'events' } } });
    const first = story.sampler.file('day-1.csv', { rows: 16 });
    const second = story.sampler.file('day-2.csv', { rows: 8, before: [first] });
    for (const file of [first, second]) story.drop(file);
    await story.live(['run', 'feed', '--json'], { kills: 10 });
    story.drop(story.sampler.file('day-3.csv', { rows: 8, before: [first, second] }));
    await story.live(['run', 'feed', '--json'], { kills: 7 });
  },
};
