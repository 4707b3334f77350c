import { checkLinks } from '../check-links.ts';
import { AFTER_THE_ROWS, createCustomers, KNOWN, linksJob, ON_THE_WAY } from '../customers.ts';
import type { Scenario } from '../scenario.ts';

const EXPORTS = [{ kind: 'changes', folder: 'outbox', over: 'sftp' }] as const;

/** Files on their way to a server that lies, and to a tool that imports them in its own time. */
export const scenario: Scenario = {
  name: 'share-links-outbox',
  about: "share links as files: to an SFTP server, and to HubSpot's imports",
  weight: 0.7,
  reaches: { run: ON_THE_WAY, [AFTER_THE_ROWS]: ['export-planned', 'export-file-out', 'export-out'] },
  world: { remote: 'sftp', links: { keys: 'same', people: KNOWN }, tools: ['hubspot'] },
  rules: { by: 'person' },
  faults: { extole: 0.15, sftp: 0.04 },
  watched: [{ folder: 'outbox' }],
  check: (end) => checkLinks(end, EXPORTS, [], true),
  async tell(story) {
    const customers = createCustomers(story.chance);
    story.job(linksJob(story.world, { exports: EXPORTS, imports: true }));
    story.drop(customers.file('customers-1.csv', { people: 4, known: true }));
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    for (const day of [2, 3]) {
      story.drop(customers.file(`customers-${day}.csv`, { people: 3 }));
      await story.live(['run', 'feed', '--json'], { kills: 4, chapter: AFTER_THE_ROWS });
    }
    await story.live(['run', 'feed', '--json'], { kills: 0 });
  },
};
