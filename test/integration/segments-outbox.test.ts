import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { openSegmentsWorld } from './support/segments-world.ts';
import { fromEnv } from './support/usual-job.ts';

const NAMES = Array.from({ length: 12 }, (_, n) => `s${n + 1}`);

test('however many segments a file has, their outbox is logged in to once', async () => {
  const root = mkdtempSync(join(tmpdir(), 'referry-outbox-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'outbox'));
  const server = await startSftpServer({ root, users: [{ name: 'crm', password: 'open sesame' }] });
  onTestFinished(() => server.close());
  const to = {
    url: `sftp://crm@${server.host}:${server.port}/outbox`,
    password: fromEnv('OUTBOX_PASSWORD'),
    hostKey: server.hostKeyFingerprint,
  };
  const segments = await openSegmentsWorld({
    job: {
      file: null,
      guards: { unvouched: 'accept' },
      members: { segmentFrom: 'column', segmentColumn: 'segment' },
      segments: { vip: undefined, ...Object.fromEntries(NAMES.map((name) => [name, name])) },
      target: { braze: undefined, files: { account: 'warehouse', to, column: 'customer', identifyBy: 'userId' } },
    },
  });
  onTestFinished(() => segments.close());
  Object.assign(segments.world.env, { OUTBOX_PASSWORD: 'open sesame' });
  segments.world.drop('a.csv', `id,segment\n${NAMES.map((name) => `user-of-${name},${name}\n`).join('')}`);
  const { run, stderr } = await segments.world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: 12, open: 0, balanced: true, halted: null });
  for (const name of NAMES)
    expect(readFileSync(join(root, 'outbox', `${name}_members.csv`), 'utf8')).toBe(`customer\nuser-of-${name}\n`);
  expect(readdirSync(join(root, 'outbox'))).toHaveLength(24);
  expect(server.seen.connections).toBe(1);
});
