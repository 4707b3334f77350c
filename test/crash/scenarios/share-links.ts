import { checkLinks } from '../check-links.ts';
import { AFTER_THE_ROWS, createCustomers, KNOWN, LATE, linksJob, ON_THE_WAY } from '../customers.ts';
import type { Scenario } from '../scenario.ts';

const EXPORTS = [
  { kind: 'changes', folder: 'outbox' },
  { kind: 'snapshot', folder: 'all-links' },
] as const;
const PUSH = ['iterable'] as const;

/** Customers in files become links, which become files and what a tool knows of people. */
export const scenario: Scenario = {
  name: 'share-links',
  about: 'share links for customers of two files, exported and pushed to a tool that answers at once',
  reaches: { run: ON_THE_WAY, [AFTER_THE_ROWS]: LATE },
  world: { remote: 'local', links: { keys: 'free', people: KNOWN }, tools: PUSH },
  rules: { by: 'person' },
  faults: { extole: 0.2 },
  watched: [{ folder: 'outbox' }, { folder: 'all-links', changing: true }],
  check: (end) => checkLinks(end, EXPORTS, PUSH),
  async tell(story) {
    const customers = createCustomers(story.chance);
    story.job(linksJob(story.world, { exports: EXPORTS, push: PUSH }));
    const first = customers.file('customers-1.csv', { people: 5, known: true });
    story.drop(first);
    await story.live(['run', 'feed', '--json'], { kills: 4 });
    for (const day of [2, 3, 4]) {
      story.drop(customers.file(`customers-${day}.csv`, { people: 3, before: day === 2 ? [first] : [] }));
      await story.live(['run', 'feed', '--json'], { kills: 4, chapter: AFTER_THE_ROWS });
    }
    // Whatever the last death left is through after one more run.
    await story.live(['run', 'feed', '--json'], { kills: 0 });
  },
};
