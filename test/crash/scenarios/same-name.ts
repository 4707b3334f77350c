import type { Scenario } from '../scenario.ts';

/** A partner who always writes the same name: the next contents come while the ones before are still worked on. */
export const scenario: Scenario = {
  name: 'same-name',
  about: 'run: one name, three contents, each dropped while the one before is in work',
  world: { remote: 'local' },
  faults: { extole: 0.3 },
  async tell(story) {
    story.job({ source: { take: story.chance.hit(0.3) ? 'copy' : 'rename' } });
    const day = { name: 'feed.csv' };
    const first = story.sampler.file('first', { rows: 10 });
    const second = story.sampler.file('second', { rows: 6, before: [first] });
    const third = story.sampler.file('third', { rows: 6, before: [first, second] });
    for (const file of [first, second]) {
      story.drop(file, day);
      // The partner writes the next one as soon as the name is free.
      await story.live(['run', 'feed', '--json'], { kills: 5, until: ({ inbox }) => inbox.length === 0, mayDie: true });
    }
    story.drop(third, day);
    await story.live(['run', 'feed', '--json'], { kills: 6 });
  },
};
