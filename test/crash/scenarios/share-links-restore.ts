import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { checkLinks } from '../check-links.ts';
import { createCustomers, KNOWN, linksJob } from '../customers.ts';
import { isThrough } from '../facts.ts';
import type { Scenario } from '../scenario.ts';

const EXPORTS = [
  { kind: 'changes', folder: 'outbox' },
  { kind: 'snapshot', folder: 'all-links' },
] as const;
const PUSH = ['iterable'] as const;

/** A ledger that knows nothing of the last links: nobody gets a second one, and all of them are known again. */
export const scenario: Scenario = {
  name: 'share-links-restore',
  about: 'share links, the ledger lost while they are made, a backup restored',
  weight: 0.5,
  world: { remote: 'local', links: { keys: 'free', people: KNOWN }, tools: PUSH },
  rules: { by: 'person', restored: true },
  faults: { extole: 0.15 },
  watched: [{ folder: 'outbox' }, { folder: 'all-links', changing: true }],
  check: (end) => checkLinks(end, EXPORTS, PUSH),
  async tell(story) {
    const { world } = story;
    const run = ['run', 'feed', '--json'];
    const customers = createCustomers(story.chance);
    story.job(linksJob(world, { exports: EXPORTS, push: PUSH }));
    const first = customers.file('customers-1.csv', { people: 3, known: true });
    story.drop(first);
    await story.live(run, { kills: 1, until: () => true });
    await story.live(['backup', '--json'], { kills: 0, until: () => true, ends: [0, 4] });
    story.drop(customers.file('customers-2.csv', { people: 3, before: [first] }));
    await story.live(run, { kills: 2, until: () => true, mayDie: story.chance.hit(0.5) });

    const folder = join(world.state, 'backups');
    const backups = existsSync(folder) ? readdirSync(folder).filter((name) => /^ledger-.*\.sqlite$/.test(name)) : [];
    for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
    await story.live(['restore', join(folder, backups[0] ?? ''), '--replace', '--json'], {
      kills: 2,
      until: () => true,
    });
    await story.live(run, { kills: 2, until: isThrough });
    await story.live(run, { kills: 0 });
  },
};
