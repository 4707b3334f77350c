import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT } from '../integration/support/cli.ts';
import { build, handOver, type Image, readDockerfile } from '../integration/support/dockerfile.ts';
import { until } from '../integration/support/e2e-cli.ts';

const all = process.env.REFERRY_REQUIRE_ALL === '1';
const root = process.getuid?.() === 0;

describe('the Dockerfile, step by step in a folder', () => {
  let target: string;
  let image: Image;
  let daemon: ChildProcess | undefined;

  beforeAll(() => {
    target = mkdtempSync(join(tmpdir(), 'referry-image-'));
    chmodSync(target, 0o755);
    image = build(readDockerfile(join(PROJECT, 'Dockerfile')), {
      context: PROJECT,
      target,
      instead: (command, workdir) => {
        // Takes a minute; REFERRY_REQUIRE_ALL=1 does it in earnest.
        if (!all && command.startsWith('npm ci')) {
          symlinkSync(join(PROJECT, 'node_modules'), join(workdir, 'node_modules'));
          return true;
        }
        return !all && command.startsWith('npm prune');
      },
    });
    // The base image has Node.js there.
    const node = join(image.root, 'usr/local/bin/node');
    try {
      linkSync(process.execPath, node);
    } catch {
      copyFileSync(process.execPath, node);
    }
  }, 900_000);
  afterAll(() => {
    daemon?.kill('SIGKILL');
    rmSync(target, { recursive: true, force: true });
  });

  /** Runs as the image's user would: root's tree, which that user can only read, and the volume. */
  const started = (words: readonly string[], more: Record<string, string> = {}): ChildProcess => {
    const [program = '', ...args] = words;
    const [uid = 0, gid = 0] = image.user.split(':').map(Number);
    const bin = join(image.root, 'usr/local/bin');
    return spawn(join(bin, program), args, {
      cwd: join(image.root, image.workdir),
      env: {
        ...image.env,
        PATH: `${bin}:/usr/bin:/bin`,
        HOME: '/nonexistent',
        REFERRY_STATE: join(image.root, image.env.REFERRY_STATE ?? ''),
        REFERRY_JOBS: join(image.root, image.env.REFERRY_JOBS ?? ''),
        ...more,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(root ? { uid, gid } : {}),
    });
  };
  const ended = async (child: ChildProcess): Promise<{ code: number | null; out: string }> => {
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (out += text.toString()));
    return { code: await new Promise((done) => child.once('close', done)), out };
  };

  test('gives an image that is not root, keeps its state in a volume, and has nothing of what it was built with', () => {
    const [uid] = image.user.split(':').map(Number);
    expect(uid).toBeGreaterThan(0);
    expect(image.volumes).toEqual([image.env.REFERRY_STATE]);
    for (const name of ['src', 'test', 'Dockerfile', '.npmrc', 'tsconfig.json'])
      expect(existsSync(join(image.root, 'app', name)), name).toBe(false);
    if (all) expect(existsSync(join(image.root, 'app/node_modules/typescript'))).toBe(false);
    expect(existsSync(join(image.root, 'app/node_modules/better-sqlite3'))).toBe(true);
  });

  test('its program says its version as that user', async () => {
    const { code, out } = await ended(started([...image.entrypoint, '--version']));
    expect([code, out]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test('its daemon lives on a tree that it can only read, its health check says so, and SIGTERM ends it with 0', async () => {
    const state = join(image.root, image.env.REFERRY_STATE ?? '');
    if (root) handOver(state, image.user);
    const jobs = join(image.root, image.env.REFERRY_JOBS ?? '');
    mkdirSync(jobs, { recursive: true });
    mkdirSync(join(target, 'inbox'));
    writeFileSync(
      join(jobs, 'feed.yaml'),
      JSON.stringify({
        pipeline: 'deliver-events',
        source: { url: `file://${target}/inbox`, match: '*.csv' },
        event: { name: 'e', key: 'id', time: 'at', data: { email: 'email' } },
        destination: { extole: { account: 'acme', token: `\${env:EXTOLE_TOKEN}` } },
      }),
    );
    const env = { EXTOLE_TOKEN: 'x', REFERRY_LISTEN: '127.0.0.1:0' };
    daemon = started([...image.entrypoint, ...image.command], env);
    let said = '';
    daemon.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    const address = await until('the daemon to listen', () => /listening on http:\/\/(\S+)/.exec(said)?.[1]);
    const health = await ended(started(image.healthcheck, { ...env, REFERRY_LISTEN: address }));
    expect([health.code, health.out]).toEqual([0, 'ok\n']);
    const end = new Promise((done) => daemon?.once('exit', done));
    daemon.kill('SIGTERM');
    expect(await end).toBe(0);
    expect(existsSync(join(state, 'ledger.sqlite'))).toBe(true);
  });
});

describe('the systemd unit', () => {
  const analyze = '/usr/bin/systemd-analyze';
  const missing = existsSync(analyze) || all ? undefined : 'systemd-analyze is not installed';

  test.skipIf(missing !== undefined)(`is one that systemd takes${missing ? `: skipped, ${missing}` : ''}`, () => {
    const unit = join(PROJECT, 'packaging/referry.service');
    const verified = spawnSync(analyze, ['verify', unit], { encoding: 'utf8' });
    expect([verified.status, verified.stdout + verified.stderr]).toEqual([0, '']);
    const security = spawnSync(analyze, ['security', '--offline=true', unit], { encoding: 'utf8' });
    const score = Number(/Overall exposure level for \S+ ([\d.]+)/.exec(security.stdout.replace(/:/g, ''))?.[1]);
    expect(score, security.stdout).toBeLessThan(2.5);
  });
});
