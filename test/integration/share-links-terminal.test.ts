import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCli, until } from './support/e2e-cli.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { customers, linksJob, people } from './support/links-job.ts';

let world: World;

beforeEach(async () => {
  world = await openWorld();
  // So few calls a minute that it would take hours.
  linksJob(world, 'links', { destination: { extole: { requestsPerMinute: 1 } } });
  world.drop('c.csv', customers(...people('ann', 200)));
});
afterEach(() => world.close());

/** Runs what follows on a terminal of its own. */
const TERMINAL = ['sh', '-c', 'exec script -qec "$*" /dev/null', 'sh'];
const folders = (): string[] => ['--jobs', world.jobs, '--state', world.state];

test('how long a run will take is a plain line on a terminal, and a line of the log elsewhere', async () => {
  const seen = startCli(['run', 'links', ...folders()], world.env, TERMINAL);
  const estimate = /^[^{\n]*It can be stopped at any time \(Ctrl\+C\), and goes on where it was/m;
  await until('the estimate', () => estimate.test(seen.told().stdout));
  expect(seen.told().stdout).not.toContain('"level"');
  seen.kill('SIGKILL');
  await seen.done;

  const logged = world.start(['run', 'links']);
  const line = await until('the estimate', () =>
    logged
      .told()
      .stderr.split('\n')
      .find((each) => each.includes('It can be stopped at any time')),
  );
  expect(JSON.parse(line)).toMatchObject({ level: 40, job: 'links', people: 200 });
  logged.kill('SIGKILL');
  await logged.done;
});
