import { checkLinks } from '../check-links.ts';
import { AFTER_THE_ROWS, createCustomers, KNOWN, LATE, linksJob, ON_THE_WAY } from '../customers.ts';
import type { Scenario } from '../scenario.ts';

const EXPORTS = [{ kind: 'changes', folder: 'outbox' }] as const;
const PUSH = ['hubspot', 'klaviyo'] as const;

/** The same where a tool is asked before it is told, and one says later what became of a job. */
export const scenario: Scenario = {
  name: 'share-links-tools',
  about: 'share links pushed to a tool that is asked first, and to one that works on jobs',
  weight: 0.7,
  reaches: { run: ON_THE_WAY, [AFTER_THE_ROWS]: LATE },
  world: { remote: 'sftp', links: { keys: 'refused', people: KNOWN }, tools: PUSH },
  rules: { by: 'person' },
  faults: { extole: 0.2, sftp: 0.03 },
  watched: [{ folder: 'outbox' }],
  check: (end) => checkLinks(end, EXPORTS, PUSH),
  async tell(story) {
    const customers = createCustomers(story.chance);
    story.job(linksJob(story.world, { exports: EXPORTS, push: PUSH }));
    story.drop(customers.file('customers-1.csv', { people: 4, known: true }));
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    for (const day of [2, 3]) {
      story.drop(customers.file(`customers-${day}.csv`, { people: 2 }));
      await story.live(['run', 'feed', '--json'], { kills: 4, chapter: AFTER_THE_ROWS });
    }
    await story.live(['run', 'feed', '--json'], { kills: 0 });
  },
};
