import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './support/e2e-cli.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

describe('the first steps of somebody new', () => {
  let world: World;
  afterEach(() => world.close());

  it('a project fresh from init runs against the sandbox with the environment that the sandbox prints', async () => {
    world = await openWorld();
    const project = join(world.root, 'project');
    await world.cli(['init', project]);
    const ports = ['--port', '0', '--extole-port', '0', '--extole-sftp-port', '0'];
    const sandbox = world.start(['sandbox', '--root', join(world.root, 'sandbox'), ...ports]);
    await until('the sandbox', () => sandbox.told().stderr.includes('sandbox ready'));
    const printed = [...sandbox.told().stdout.matchAll(/^export (\w+)='(.*)'$/gm)];
    const env = {
      ...Object.fromEntries(printed.map(([, name = '', value = '']) => [name, value])),
      REFERRY_JOBS: join(project, 'jobs'),
      REFERRY_STATE: join(project, '.referry'),
    };
    const inSandbox = join(world.root, 'sandbox/sftp');
    const file = join(world.root, 'account-openings-1.csv');
    const day = new Date(Date.now() - 2 * 86_400_000).toISOString();
    const date = `${day.slice(5, 7)}/${day.slice(8, 10)}/${day.slice(0, 4)}`;
    const header = 'application_id,opened_on,email,member_id,first_name,last_name,product_code,opening_deposit';
    writeFileSync(file, `${header}\nAPP-1,${date},ann@private.example,M-1,Ann,Lee,CHK,"1,200.50"\n`);
    const doctor = await world.cli(['doctor'], env);
    expect(doctor.code, doctor.stdout).toBe(0);
    const run = await world.cli(['run', 'example', '--file', file, '--json'], env);
    expect(run.json()).toMatchObject({ delivered: 1, balanced: true });
    expect(readFileSync(join(inSandbox, 'results/account-openings-1.csv.results.csv'), 'utf8')).toContain(
      '2,delivered',
    );
    sandbox.kill('SIGTERM');
    expect((await sandbox.done).code).toBe(0);
  });

  it('a sandbox whose port is taken, or is none, says so and what to do', async () => {
    world = await openWorld({ remote: 'sftp' });
    const root = ['--root', join(world.root, 'sandbox'), '--extole-port', '0', '--extole-sftp-port', '0'];
    const taken = await world.cli(['sandbox', ...root, '--port', String(world.sftp?.port)]);
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringMatching(/in use.*\n.*what to do.*--port/)]);
    const wrong = await world.cli(['sandbox', ...root, '--port', 'abc']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringMatching(/found abc; a number from 0/)]);
  });

  it('a run in the wrong folder leaves nothing behind there', async () => {
    world = await openWorld();
    const state = join(world.root, 'elsewhere');
    mkdirSync(join(world.root, 'empty'));
    const env = { REFERRY_JOBS: join(world.root, 'empty'), REFERRY_STATE: state };
    for (const args of [
      ['run', 'feed'],
      ['retry', 'feed'],
    ]) {
      expect((await world.cli(args, env)).code).toBe(2);
      expect(existsSync(state), args.join(' ')).toBe(false);
    }
  });
});

describe('status', () => {
  let world: World;
  afterEach(() => world.close());

  it('counts all open rows of a file, also those that were never claimed, and names the report of a halted run', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv([...rows('A', 40), 'torn']));
    let n = 0;
    world.extole.setFaults(() => (++n > 5 ? '401' : undefined));
    const { run } = await world.run('feed');
    expect(run).toMatchObject({ rejected: 1, halted: { code: 'UNAUTHORIZED' } });
    const status = await world.cli(['status', '--json']);
    expect(status.json()).toMatchObject({
      jobs: [{ rows: { open: { count: run.open } }, lastReport: 'reports/feed.*.r1.html' }],
    });
    expect(run.open).toBeGreaterThan(30);
  });
});
