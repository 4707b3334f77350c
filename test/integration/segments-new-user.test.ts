import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/start.ts';
import { io } from './extole-setup.ts';
import { cliArgs, PROJECT } from './support/cli.ts';
import { ran } from './support/package-install.ts';

const page = await readFile(join(PROJECT, 'docs/segments.md'), 'utf8');

/** The commands that the page marks as runnable, in its order, with what the last of them exits with. */
const marked = [...page.matchAll(/<!-- runs: exit (\d) -->\n```sh\n([\s\S]*?)```/g)].map(([, code, script = '']) => ({
  code: Number(code),
  script,
}));

describe('docs/segments.md, followed by a new user with a token', () => {
  let folder: string;
  let sandbox: Sandbox;
  let env: NodeJS.ProcessEnv;
  const told: string[] = [];

  beforeAll(async () => {
    // Names of folders have spaces where users live.
    folder = await mkdtemp(join(tmpdir(), 'referry new user '));
    sandbox = await startSandbox({ io, root: join(folder, 'sandbox'), sftpPort: 0, extolePort: 0 });
    await mkdir(join(folder, 'bin'));
    const start = `#!/bin/sh\nexec ${[process.execPath, ...cliArgs([])].map((part) => `'${part}'`).join(' ')} "$@"\n`;
    await writeFile(join(folder, 'bin/referry'), start, { mode: 0o755 });
    const { EXTOLE_TOKEN, EXTOLE_API_URL } = sandbox.env;
    env = { EXTOLE_TOKEN, EXTOLE_API_URL, PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder };
  });

  afterAll(async () => {
    await sandbox.close();
    await rm(folder, { recursive: true, force: true });
  });

  const members = (): string[] => sandbox.extole.audiences.all().flatMap((audience) => [...audience.members]);

  test('its commands run as they are written, and the audience is what the files say', async () => {
    expect(marked.map(({ code }) => code)).toEqual([0, 0, 3, 0]);
    const sizes: number[] = [];
    for (const [i, { code, script }] of marked.entries()) {
      // The page goes into the folder that it has made.
      const there = i > 0 ? 'cd my-segments\n' : '';
      const end = await ran('bash', ['-euo', 'pipefail', '-c', there + script], { cwd: folder, env });
      expect(end.code, `${script}\n${end.stdout}${end.stderr}`).toBe(code);
      told.push(end.stdout);
      sizes.push(members().length);
    }
    expect(sizes).toEqual([0, 2, 2, 1]);
    expect(members()).toEqual(['ana.diaz@example.com']);
    expect(sandbox.extole.audiences.all().map(({ name }) => name)).toEqual(['VIP customers']);
  }, 120_000);

  test('what it says of a held sync is what the command says', () => {
    const [, , held = '', released = ''] = told;
    const [, shown = ''] = /```\n(segment vip, [^\n]+)\n```/.exec(page) ?? [];
    expect(shown).not.toBe('');
    expect(held.split('\n')).toContain(shown);
    expect(told[1]).toContain('Everything works.');
    expect(told[1]).toContain('vip: 2 named, 0 confirmed: would add 2, remove 0; 0 unchanged');
    expect(told[1]).toContain('they are the same');
    expect(released).toContain('segment vip, vip-20261121.csv: 2 members before + 0 added - 1 removed = 1');
    expect(released).toContain('Nothing waits for a person.');
  });

  test('results and reports are where the project has its files', async () => {
    expect((await readdir(join(folder, 'my-segments/files/results'))).sort()).toEqual([
      'vip-20261120.csv.results.csv',
      'vip-20261121.csv.results.csv',
      'vip-20261121.csv.results.r2.csv',
    ]);
  });
});
