import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkLinks } from '../check-links.ts';
import { createCustomers, KNOWN, linksJob } from '../customers.ts';
import type { Scenario } from '../scenario.ts';

const EMAIL = 'regular@people.example';
const EXPORTS = [{ kind: 'changes', folder: 'outbox' }] as const;
const PUSH = ['iterable'] as const;

/** A person with a link asks to be forgotten; a link is no reason to keep an address. */
export const scenario: Scenario = {
  name: 'share-links-forget',
  about: 'forget a person who has a share link, killed between each two steps',
  weight: 0.5,
  reaches: { forget: ['staging-forgotten', 'results-forgotten'] },
  world: { remote: 'local', links: { keys: 'refused', people: KNOWN }, tools: PUSH },
  rules: { by: 'person' },
  faults: { extole: 0.15 },
  watched: [{ folder: 'outbox' }],
  check: (end) => checkLinks(end, EXPORTS, PUSH),
  async tell(story) {
    const customers = createCustomers(story.chance);
    story.job(linksJob(story.world, { exports: EXPORTS, push: PUSH }));
    const { name, text } = customers.file('customers-1.csv', { people: 3 });
    story.drop({ name, text: `${text}${EMAIL},,Regular,private.example\n` });
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    // Everything about the person is out before the address goes: what is not, another scenario looks at.
    await story.live(['run', 'feed', '--json'], { kills: 0 });
    if (!story.last().ledger?.holds(EMAIL))
      story.complain('other', `${EMAIL} was never in the ledger: nothing is proven`);
    story.verdict({ verdict: 'forgotten', email: EMAIL });
    await story.live(['forget', EMAIL, '--yes', '--json'], { kills: 5, until: () => true });
    for (const folder of ['results', 'reports'])
      for (const file of story.world.files(folder))
        if (story.world.read(`${folder}/${file}`).toString('utf8').toLowerCase().includes(EMAIL))
          story.complain('other', `${folder}/${file} has ${EMAIL}`);
    for (const file of readdirSync(story.world.state, { recursive: true, withFileTypes: true }))
      if (file.isFile() && readFileSync(join(file.parentPath, file.name)).includes(EMAIL))
        story.complain('other', `${file.name} in the folder of the ledger has ${EMAIL}`);
    story.drop(customers.file('customers-2.csv', { people: 2 }));
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    await story.live(['run', 'feed', '--json'], { kills: 0 });
  },
};
