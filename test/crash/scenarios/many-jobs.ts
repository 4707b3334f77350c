import type { Scenario } from '../scenario.ts';

const JOBS = ['accounts', 'cards', 'loans'] as const;

/** Three jobs of one daemon, at the same time, into one ledger and one account. */
export const scenario: Scenario = {
  name: 'many-jobs',
  about: 'daemon, three jobs side by side',
  world: { remote: 'local' },
  rules: { jobs: JOBS.length },
  faults: { extole: 0.3 },
  async tell(story) {
    for (const job of JOBS) story.job({ source: { match: `${job}-*.csv` } }, job);
    for (const job of JOBS) {
      const first = story.sampler.file(`${job}-1.csv`, { rows: 10 });
      story.drop(first, { job });
      story.drop(story.sampler.file(`${job}-2.csv`, { rows: 5, before: [first] }), { job });
    }
    await story.daemon({ kills: 12 });
  },
};
