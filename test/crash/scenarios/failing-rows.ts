import { releaseAll } from '../holding.ts';
import type { Scenario } from '../scenario.ts';

/** Rows that are given up after two tries, held back behind an earlier one of their person, and tried again by the next runs. */
export const scenario: Scenario = {
  name: 'failing-rows',
  about: 'run, rows that fail and are tried again by later runs',
  world: { remote: 'local' },
  faults: { extole: 0.6 },
  async tell(story) {
    story.job({ delivery: { maxAttempts: 2 } });
    // No row of another file's: a key that is owned by nobody, because its row has failed, may be taken by any.
    for (const day of [1, 2]) story.drop(story.sampler.file(`day-${day}.csv`, { rows: 14 }));
    await story.live(['run', 'feed', '--json'], { kills: 8 });
    story.drop(story.sampler.file('day-3.csv', { rows: 10 }));
    await story.live(['retry', 'feed', '--json'], { kills: 2, until: () => true });
    await story.live(['run', 'feed', '--json'], { kills: 4 });
    // After two tries, a row that had no clear answer is held where another fails.
    await releaseAll(story, 'live');
  },
};
