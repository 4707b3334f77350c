import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startSftpServer } from '../../src/sandbox/sftp/server.ts';
import { openSegmentsWorld, user, users } from './support/segments-world.ts';
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

test('changes that follow each other at once have names in their order, and the same change again is a file again', async () => {
  const segments = await openSegmentsWorld();
  onTestFinished(() => segments.close());
  const outbox = join(segments.world.root, 'outbox');
  mkdirSync(outbox);
  segments.job({
    file: null,
    members: { id: 'id', kind: 'changes', action: { column: 'action' } },
    guards: { unvouched: 'accept', maxShrink: 1, maxGrowth: 100 },
    target: { braze: undefined, files: { account: 'warehouse', to: { url: `file://${outbox}` } } },
  });
  const steps = [users(1, 3).map((id) => `${id},add`)];
  for (let n = 0; n < 4; n++)
    steps.push([`${user(1)},remove`, `${user(4)},add`], [`${user(1)},add`, `${user(4)},remove`]);
  for (const [n, rows] of steps.entries())
    segments.world.drop(`c${n}.csv`, ['id,action', ...rows, ''].join('\n'), 100 - n);
  const { run, stderr } = await segments.world.run('segments');
  expect(run, stderr).toMatchObject({ delivered: 19, open: 0, balanced: true });
  const names = readdirSync(outbox).sort();
  const changes = names.filter((name) => /_(?:added|removed)\.csv$/.test(name));
  expect(names).toEqual([...changes, 'vip_members.csv'].sort());
  expect(changes).toHaveLength(17);
  const members = new Set<string>();
  for (const name of changes)
    for (const id of readFileSync(join(outbox, name), 'utf8').trim().split('\n').slice(1))
      if (name.endsWith('_added.csv')) members.add(id);
      else members.delete(id);
  expect([...members].sort()).toEqual(users(1, 3));
});
