import { afterEach, expect, test } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { loadJobs } from '../../src/jobs/load.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { answersAreDue, fetchAnswers } from '../../src/schedule/answers.ts';
import { type BulkWorld, LABEL, openBulkWorld, people } from './support/bulk-world.ts';
import { fates } from './support/e2e-results.ts';

let bulk: BulkWorld;

afterEach(() => bulk.world.close());

test('between the runs the daemon looks for links when it is time, and publishes the results once there are any', async () => {
  bulk = await openBulkWorld({
    extole: { links: { onEvents: {} } },
    job: { links: { bulk: { firstLook: '10m', every: '30m', upload: { wait: '0s', poll: '60s' } } } },
  });
  const { world } = bulk;
  world.drop('a.csv', people('ann', 'ben'));
  expect((await world.run('links')).run).toMatchObject({ open: 2 });
  for (const email of ['ann@example.com', 'ben@example.com']) {
    const personId = world.extole.links.addPerson({ email });
    world.extole.links.putShareable({ personId, label: LABEL });
  }
  const { jobs } = await loadJobs(world.jobs, world.env);
  const [job] = jobs;
  if (!job) throw new Error('the job cannot be read');
  let ahead = 0;
  const real = realIo(createLog('silent'));
  const io = { ...real, now: () => real.now() + ahead };
  const ledger = await openLedger(world.ledger, 'daemon', io);
  const options = {
    ledger,
    io,
    signal: new AbortController().signal,
    state: world.state,
    jobs: world.jobs,
    cause: 'schedule' as const,
  };
  try {
    expect(answersAreDue(job, options)).toBe(false);
    ahead = 2 * 60_000;
    expect(answersAreDue(job, options)).toBe(true);
    await fetchAnswers(job, options);
    expect(world.extole.links.reportsMade).toBe(0);
    ahead = 11 * 60_000;
    await fetchAnswers(job, options);
    expect(world.extole.links.reportsMade).toBe(1);
    expect(fates(bulk.results())).toEqual(['2 delivered', '3 delivered']);
    ahead = 90 * 60_000;
    expect(answersAreDue(job, options)).toBe(false);
  } finally {
    await ledger.close();
  }
});
