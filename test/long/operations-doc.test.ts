import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cliArgs, PROJECT } from '../integration/support/cli.ts';
import { csv, lineOf, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, type World } from '../integration/support/e2e-world.ts';
import { ran } from '../integration/support/package-install.ts';

const JOB = 'account-openings';
const HEADER = 'application_id,email,member,at,amount';
const page = readFileSync(join(PROJECT, 'docs/operations.md'), 'utf8');

/** The headings of the page, with the shell blocks below each and what the last command of each ends with. */
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => ({
    heading: text.slice(0, text.indexOf('\n')),
    blocks: [...text.matchAll(/<!-- runs: exit (\d+) -->\n```sh\n([\s\S]*?)```/g)].map(([, code, script = '']) => ({
      code: Number(code),
      script,
    })),
  }))
  .filter(({ blocks }) => blocks.length > 0);

interface Situation {
  /** Brings about what the heading says. The daemon is started afterwards. */
  before?: (world: World) => Promise<void>;
  /** The daemon is not running. */
  stopped?: true;
  /** What holds when the commands are done. */
  after?: (world: World, told: string) => void | Promise<void>;
}

const deliver = async (world: World, prefix: string, count: number): Promise<void> => {
  world.drop(`${JOB}-${prefix}.csv`, csv(rows(prefix, count), HEADER));
  const { code, stderr } = await world.run(JOB);
  expect(code, stderr).toBe(0);
};
const keys = (world: World): (string | undefined)[] =>
  world.requests().map(({ body }) => body.data.partner_conversion_id);
const state = async (world: World, key: string): Promise<string[]> => {
  const told: { rows: { outcome: string }[] } = JSON.parse((await world.cli(['explain', key, '--json'])).stdout);
  return told.rows.map(({ outcome }) => outcome);
};

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'Back up': { after: (_, told) => expect(told).toMatch(/\nledger-[0-9a-f]{8}-\d{8}T\d{6}Z\.sqlite\n/) },
  'The ledger is lost or damaged: restore a backup': {
    stopped: true,
    before: async (world) => {
      await deliver(world, 'A', 3);
      expect((await world.cli(['backup', '--to', join(world.root, 'backups')])).code).toBe(0);
      await deliver(world, 'B', 3);
      world.drop(`${JOB}-C.csv`, csv(rows('C', 40), HEADER));
      expect((await world.cli(['run', JOB], { REFERRY_CRASH_AT: 'committed:3' })).signal).toBe('SIGKILL');
      for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
    },
    after: async (world, told) => {
      expect(told).toContain('3 rows delivered by their results, 40 held');
      expect(new Set(keys(world)).size).toBe(keys(world).length);
      expect(await state(world, 'B-0001')).toEqual(['delivered']);
    },
  },
  'Rotate an SFTP key or an Extole token': {
    after: async (world) => {
      await deliver(world, 'N', 2);
      expect(keys(world)).toHaveLength(2);
    },
  },
  'Move to another machine': {
    before: (world) => deliver(world, 'A', 2),
    after: async (world) => {
      const there = { REFERRY_STATE: join(world.root, 'new-machine') };
      world.drop(`${JOB}-again.csv`, csv([...rows('A', 2), ...rows('N', 1)], HEADER));
      expect((await world.run(JOB, there)).run).toMatchObject({ delivered: 1, duplicate: 2 });
    },
  },
  'Cut-over from another system': {
    before: async (world) => {
      writeFileSync(
        join(world.root, 'delivered-by-the-old-system.csv'),
        `application_id\n${rows('OLD', 50)
          .map(({ id }) => `${id}\n`)
          .join('')}`,
      );
      world.drop(`${JOB}-1.csv`, csv([...rows('OLD', 10), ...rows('N', 2)], HEADER));
    },
    after: (world) => expect(keys(world)).toEqual(['N-0001', 'N-0002']),
  },
  'A partner sends the wrong file twice': {
    before: async (world) => {
      await deliver(world, 'A', 3);
      world.drop(`${JOB}-A.csv`, csv(rows('A', 3), HEADER));
    },
    after: (world) => {
      expect(keys(world)).toHaveLength(3);
      expect(world.files('results')).toContain(`${JOB}-A.csv.results.r2.csv`);
    },
  },
  'A partner sends a truncated file': {
    before: async (world) => {
      const whole = csv([...rows('A', 3).map((each) => `"${lineOf(each).replaceAll(',', '","')}"`)], HEADER);
      world.drop(`${JOB}-cut.csv`, whole.slice(0, -4));
    },
    after: (world, told) => {
      expect(told).toContain('refused');
      expect([keys(world).length, world.files('refused').length]).toEqual([0, 1]);
    },
  },
  'Extole was down all night': {
    before: async (world) => {
      world.extole.setFaults(() => ({ kind: 'status', status: 429 }));
      world.drop(`${JOB}-night.csv`, csv(rows('A', 5), HEADER));
      expect((await world.cli(['run', JOB])).code).toBe(4);
      world.extole.setFaults(undefined);
    },
    after: (world, told) => {
      expect(told).toContain('DESTINATION_DOWN');
      expect(new Set(keys(world)).size).toBe(5);
      expect(world.files('results')).toHaveLength(1);
    },
  },
  'The disk of the ledger is full': { before: (world) => deliver(world, 'A', 3) },
  'A file is held': {
    before: async (world) => {
      world.drop(
        `${JOB}-20261121.csv`,
        csv(
          [row('APP-1'), row('APP-2', { email: 'none', member: '' }), row('APP-3', { email: 'none', member: '' })],
          HEADER,
        ),
      );
      expect((await world.run(JOB)).run.held).toBe(1);
    },
    after: (world) => expect(keys(world)).toEqual(['APP-1']),
  },
  'A row is in conflict': {
    before: async (world) => {
      world.drop(
        `${JOB}-20261121.csv`,
        csv([row('APP-0001'), row('APP-0001', { amount: '1.00' }), row('APP-0002')], HEADER),
      );
      expect((await world.run(JOB)).run.conflict).toBe(2);
    },
    after: async (world) => {
      expect(keys(world)).toEqual(['APP-0002', 'APP-0001']);
      expect(await state(world, 'APP-0001')).toEqual(['delivered', 'conflict']);
    },
  },
  'Unknown deliveries': {
    before: async (world) => {
      world.extole.setFaults(() => ({ kind: 'status', status: 500 }));
      world.drop(`${JOB}-20261121.csv`, csv(rows('APP', 2), HEADER));
      expect((await world.run(JOB)).run.held).toBe(2);
      world.extole.setFaults(undefined);
    },
    after: async (world) => {
      expect([await state(world, 'APP-0001'), await state(world, 'APP-0002')]).toEqual([['delivered'], ['delivered']]);
      expect(keys(world).filter((key) => key === 'APP-0001')).toHaveLength(1);
    },
  },
};

/** A service manager of this test: it starts and stops a real daemon. */
const SYSTEMCTL = `#!/bin/sh
cd "$WORLD"
stop() {
  [ -f daemon.pid ] || return 0
  kill -TERM "$(cat daemon.pid)" 2>/dev/null
  while kill -0 "$(cat daemon.pid)" 2>/dev/null; do sleep 0.05; done
  rm daemon.pid
}
case $1 in
  start) nohup referry daemon >>daemon.log 2>&1 & echo $! >daemon.pid ;;
  stop) stop ;;
  restart) stop; "$0" start ;;
esac
`;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function prepare(): Promise<{ world: World; env: NodeJS.ProcessEnv }> {
  const world = await openWorld({ tokens: ['sandbox-token', 'new-token'] });
  const at = (name: string): string => join(world.root, name);
  for (const folder of ['bin', 'secrets', 'backups']) mkdirSync(at(folder));
  writeFileSync(at('secrets/extole_token'), 'sandbox-token\n', { mode: 0o600 });
  const program = [process.execPath, ...cliArgs([])].map((part) => `'${part}'`).join(' ');
  const programs = {
    referry: `#!/bin/sh\nexec ${program} "$@"\n`,
    systemctl: SYSTEMCTL,
    journalctl: '#!/bin/sh\ncat "$WORLD/daemon.log"\n',
  };
  for (const [name, text] of Object.entries(programs)) writeFileSync(at(`bin/${name}`), text, { mode: 0o755 });
  world.job(JOB, {
    source: { match: `${JOB}-*.csv` },
    event: { key: 'application_id' },
    destination: {
      extole: { token: `\${file:${at('secrets/extole_token')}}`, verify: { settle: '300ms', poll: '100ms' } },
    },
    delivery: { outageAfter: '300ms' },
  });
  const { PATH } = process.env;
  const env = {
    ...{ ...world.env, PATH: `${at('bin')}:${PATH}`, HOME: world.root, WORLD: world.root, BACKUPS: at('backups') },
    ...{ SECRETS: at('secrets'), NEW_TOKEN: 'new-token', REFERRY_LISTEN: `127.0.0.1:${await freePort()}` },
  };
  return { world, env };
}

describe('docs/operations.md', () => {
  // They wait more than they compute.
  test.concurrent.each(sections)(
    '$heading: its commands do what the page says',
    async ({ heading, blocks }) => {
      const { world, env } = await prepare();
      const bash = (script: string): ReturnType<typeof ran> =>
        ran('bash', ['-euo', 'pipefail', '-c', script], { cwd: world.root, env });
      const { before, stopped, after } = SITUATIONS[heading] ?? {};
      try {
        await before?.(world);
        if (!stopped) expect((await bash('systemctl start referry; referry health --ready --wait 20s')).code).toBe(0);
        let told = '\n';
        let shell = '';
        for (const { code, script } of blocks) {
          // As in one terminal: what a block exports, the next ones have.
          shell += script
            .split('\n')
            .filter((line) => line.startsWith('export '))
            .join('\n');
          const ended = await bash(script.startsWith('export') ? script : `${shell}\n${script}`);
          expect(ended.code, `${script}\n${ended.stdout}${ended.stderr}`).toBe(code);
          told += ended.stdout;
        }
        await bash('systemctl stop referry');
        await after?.(world, told);
      } finally {
        await bash('systemctl stop referry');
        await world.close();
      }
    },
    120_000,
  );

  test('every situation that this test knows is a heading of the page', () => {
    const headings = sections.map(({ heading }) => heading);
    expect(Object.keys(SITUATIONS).filter((heading) => !headings.includes(heading))).toEqual([]);
    expect(page.match(/^```sh$/gm)?.length).toBe(sections.reduce((n, { blocks }) => n + blocks.length, 0));
  });
});
