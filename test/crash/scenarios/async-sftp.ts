import type { Scenario } from '../scenario.ts';

/** Over SFTP, by a server that fails, truncates, loses answers and hangs up; to an Extole that lies. */
export const scenario: Scenario = {
  name: 'async-sftp',
  about: 'run, lane async-events, inbox and results on an SFTP server that misbehaves',
  weight: 2,
  world: { remote: 'sftp' },
  faults: { extole: 0.35, sftp: 0.5 },
  async tell(story) {
    story.job({ source: { take: story.chance.pick(['rename', 'copy']) } });
    const first = story.sampler.file('day-1.csv', { rows: 18 });
    story.drop(first);
    story.drop(story.sampler.file('day-2.csv', { rows: 8, before: [first] }));
    await story.live(['run', 'feed', '--json'], { kills: 12 });
  },
};
