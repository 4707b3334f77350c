import type { Scenario } from '../scenario.ts';
import { laneOf } from '../world.ts';

export const scenario: Scenario = {
  name: 'lane-sftp',
  about: 'run, lane sftp: whole files, of which none may come twice',
  weight: 2,
  reaches: { run: ['upload-named', 'upload-written', 'upload-planned', 'uploaded', 'results-read'] },
  world: { remote: 'local', extoleSftp: { order: 'shuffled', halfWrittenMs: 40, resultsAfterMs: 60 } },
  rules: { by: 'file' },
  faults: { extole: 0.3, sftp: 0.35 },
  async tell(story) {
    story.job({ destination: { extole: laneOf(story.world, 'sftp') } });
    const first = story.sampler.file('day-1.csv', { rows: 18 });
    story.drop(first);
    story.drop(story.sampler.file('day-2.csv', { rows: 8, before: [first] }));
    await story.live(['run', 'feed', '--json'], { kills: 14 });
  },
};
