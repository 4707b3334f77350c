import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { installWithoutNetwork, PROJECT, packProject, type Ran, ran } from './support/package-install.ts';

let folder: string;
let tarball: string;
let home: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referry-package-'));
  tarball = await packProject(folder);
  home = await installWithoutNetwork(tarball, folder);
}, 180_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The installed command, as a shell would start it from the folder in which it was installed. */
function referry(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const clean = Object.entries(process.env).filter(([name]) => !/^(REFERRY|EXTOLE|VITEST)/.test(name));
  const bin = join(home, 'dist/src/main.js');
  return ran(process.execPath, [bin, ...args], { cwd: folder, env: { ...Object.fromEntries(clean), ...env } });
}

describe('the published package', () => {
  test('holds what it needs to run, the examples and the documentation, and nothing else', async () => {
    const entries = (await readdir(home)).sort();
    expect(entries).toEqual([
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'jobs',
      'package.json',
      'packaging',
      'sample-files',
    ]);
    const manifest: { bin: { referry: string }; version: string } = JSON.parse(
      await readFile(join(home, 'package.json'), 'utf8'),
    );
    expect(existsSync(join(home, manifest.bin.referry))).toBe(true);
    expect(await readFile(join(home, manifest.bin.referry), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  test('holds no TypeScript to run, since Node.js refuses that in an installed package', async () => {
    const files = await readdir(join(home, 'dist'), { recursive: true });
    expect(files.filter((file) => /(?<!\.d)\.ts$/.test(file))).toEqual([]);
    const main = await readFile(join(home, 'dist/src/main.js'), 'utf8');
    expect(main).not.toMatch(/from '\.[^']*\.ts'/);
  });

  test('says its version', async () => {
    const { version }: { version: string } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
    expect(await referry(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  test('makes a project and says what is missing in it', async () => {
    const made = await referry(['init', 'project']);
    expect(made.code, made.stderr).toBe(0);
    const checked = await referry(['check', '--jobs', 'project/jobs', '--json']);
    const answer: { problems: { field: string }[] } = JSON.parse(checked.stdout);
    expect(checked.code).toBe(2);
    expect(answer.problems.map(({ field }) => field)).toContain('destination.extole.token');
    const segments = await referry(['init', 'segments', '--pipeline', 'sync-segment']);
    expect(segments.code, segments.stderr).toBe(0);
    expect((await referry(['check', '--jobs', 'segments/jobs'])).stdout).toContain('EXTOLE_TOKEN is not set');
    const links = await referry(['init', 'links', '--pipeline', 'export-share-links']);
    expect(links.code, links.stderr).toBe(0);
    const missing = await referry(['check', '--jobs', 'links/jobs']);
    expect(missing.stdout).toMatch(
      /EXTOLE_TOKEN is not set[\s\S]*HUBSPOT_TOKEN is not set|HUBSPOT_TOKEN is not set[\s\S]*EXTOLE_TOKEN is not set/,
    );
  });

  test('runs the demo from the built files: migrations, example jobs and sample files are found', async () => {
    const demo = await referry(['demo', '--root', 'demo']);
    expect(demo.stderr).toBe('');
    expect(demo.code, demo.stdout).toBe(0);
    expect(demo.stdout.match(/^Balanced: /gm)).toHaveLength(8);
    expect((await readdir(join(folder, 'demo/sftp/results'))).length).toBeGreaterThanOrEqual(13);
    expect(await readdir(join(folder, 'demo/sftp/outbox'))).toHaveLength(10);
  }, 120_000);

  test('its daemon answers on its port, and makes the backup that was missed, in a thread of its own', async () => {
    const at = (name: string): string => join(folder, 'service', name);
    for (const name of ['jobs', 'inbox']) await mkdir(at(name), { recursive: true });
    const job = {
      pipeline: 'deliver-events',
      source: { url: `file://${at('inbox')}`, match: '*.csv' },
      event: { name: 'e', key: 'id', time: 'at', data: { email: 'email' } },
      destination: { extole: { account: 'acme', token: `\${env:EXTOLE_TOKEN}` } },
    };
    await writeFile(at('jobs/feed.yaml'), JSON.stringify(job));
    const env = {
      REFERRY_JOBS: at('jobs'),
      REFERRY_STATE: at('state'),
      EXTOLE_TOKEN: 'x',
      REFERRY_BACKUP_AT: '03:00 UTC',
    };
    expect((await referry(['run', 'feed'], env)).code).toBe(0);
    const db = new Database(at('state/ledger.sqlite'));
    db.prepare("INSERT INTO schedules VALUES ('/backup', ?)").run(Date.now() - 3 * 86_400_000);
    db.close();
    const bin = join(home, 'dist/src/main.js');
    const daemon = spawn(process.execPath, [bin, 'daemon', '--listen', '127.0.0.1:0'], {
      env: { ...process.env, ...env },
    });
    let told = '';
    daemon.stderr.on('data', (text: Buffer) => {
      told += text.toString();
    });
    await vi.waitUntil(() => told.includes('"msg":"backup made"'), { timeout: 30_000 });
    const url = /listening on (http:\S+)/.exec(told)?.[1] ?? '';
    expect((await referry(['health', '--ready', '--url', url])).stdout).toBe('ok\n');
    daemon.kill('SIGTERM');
    expect(await new Promise((done) => daemon.once('exit', done))).toBe(0);
  }, 60_000);

  const missing =
    process.env.REFERRY_REQUIRE_ALL === '1' ? '' : ' (skipped: takes a minute; REFERRY_REQUIRE_ALL=1 runs it)';
  test.skipIf(missing !== '')(
    `installs with npm and its own dependencies${missing}`,
    async () => {
      const target = await mkdtemp(join(folder, 'npm-'));
      // As in a shell of its own: without the settings of the project whose tests run.
      const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
      const options = ['--no-audit', '--no-fund', '--prefix', target];
      const installed = await ran('npm', ['install', ...options, tarball], { cwd: target, env });
      expect(installed.code, installed.stderr).toBe(0);
      const told = await ran(process.execPath, [join(target, 'node_modules/.bin/referry'), 'schema'], { cwd: target });
      expect(JSON.parse(told.stdout)).toHaveProperty('title', 'Referry job');
      const script = "import Database from 'better-sqlite3'; console.log(new Database(':memory:').open)";
      const native = await ran(process.execPath, ['--input-type=module', '-e', script], { cwd: target });
      expect(native.stdout, native.stderr).toBe('true\n');
    },
    300_000,
  );
});
