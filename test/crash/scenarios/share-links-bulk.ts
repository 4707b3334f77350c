import { merged } from '../../integration/support/usual-job.ts';
import { checkLinks } from '../check-links.ts';
import { createCustomers, LABEL, linksJob } from '../customers.ts';
import type { Scenario } from '../scenario.ts';

const EVENT = 'customer_listed';
const EXPORTS = [{ kind: 'changes', folder: 'outbox' }] as const;

/** Customers go as a file of events, of which Extole makes the links; they come back out of reports. */
export const scenario: Scenario = {
  name: 'share-links-bulk',
  about: 'share links in bulk: a file of customers, links collected from reports, exported',
  reaches: {
    run: [
      'upload-named',
      'upload-written',
      'upload-planned',
      'uploaded',
      'batch-planned',
      'batch-started',
      'results-read',
    ],
  },
  world: { remote: 'local', links: { keys: 'free', people: [], onEvents: { [EVENT]: LABEL } } },
  rules: { by: 'person' },
  faults: { extole: 0.25 },
  watched: [{ folder: 'outbox' }],
  check: (end) => checkLinks(end, EXPORTS, []),
  async tell(story) {
    const customers = createCustomers(story.chance);
    const bulk = {
      event: EVENT,
      firstLook: '1ms',
      every: '1ms',
      upload: { wait: '10s', poll: '30ms' },
      // In real life it takes a while until a batch that was made shows in the list of batches.
      batch: { settle: '0s', uploadTimeout: '3s' },
    };
    const report = { type: 'SHAREABLES', linkPrefix: 'https://share.acme.example/', poll: '10ms' };
    const usual = linksJob(story.world, { exports: EXPORTS });
    story.job(merged(usual, { links: { code: null, bulk, report } }));
    const first = customers.file('customers-1.csv', { people: 8 });
    story.drop(first);
    await story.live(['run', 'feed', '--json'], { kills: 5 });
    story.drop(customers.file('customers-2.csv', { people: 3, before: [first] }));
    await story.live(['run', 'feed', '--json'], { kills: 3 });
    // Whatever the last death left is through after one more run.
    await story.live(['run', 'feed', '--json'], { kills: 0 });
  },
};
