import type { Scenario } from '../scenario.ts';

/** Soon told, and nearly every death strikes while rows are on their way: the deliberate bugs of `mutants` are looked for here. */
export const scenario: Scenario = {
  name: 'few-rows',
  about: 'run, lane async-events, one file, deaths while it is sent',
  weight: 0.3,
  world: { remote: 'local' },
  faults: { extole: 0.3 },
  async tell(story) {
    story.job();
    // Makes the ledger, which takes longer than all the rest.
    await story.live(['run', 'feed', '--json'], { kills: 0, until: () => true });
    story.drop(story.sampler.file('rows.csv', { rows: 30 }));
    await story.live(['run', 'feed', '--json'], {
      kills: 4,
      choose: (chance) => ({
        at: 'request',
        n: 1 + chance.below(24),
        delayMs: chance.hit(0.7) ? 0 : chance.next() * 20,
      }),
    });
  },
};
