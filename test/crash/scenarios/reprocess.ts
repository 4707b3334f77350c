import { isThrough } from '../facts.ts';
import type { Scenario } from '../scenario.ts';

/** A job that read times in the wrong way is put right, and its file is judged anew, by a command that dies in it. */
export const scenario: Scenario = {
  name: 'reprocess',
  about: 'a wrong job, put right, and the file processed again',
  weight: 0.7,
  world: { remote: 'local' },
  faults: { extole: 0.25 },
  async tell(story) {
    story.job({ event: { time: { from: 'at', format: 'dd.MM.yyyy', timezone: 'UTC' } } });
    story.drop(story.sampler.file('rows.csv', { rows: 14 }));
    await story.live(['run', 'feed', '--json'], { kills: 3 });
    story.job();
    await story.live(['reprocess', 'rows.csv', '--reason', 'the job was wrong', '--json'], {
      kills: 5,
      until: () => true,
      // Given again when the decision was made and the rows are on their way: it is not through yet.
      ends: [0, 2, 3, 4],
    });
    await story.live(['run', 'feed', '--json'], { kills: 3, until: isThrough });
  },
};
