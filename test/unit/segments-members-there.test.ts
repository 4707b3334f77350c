import { expect, test } from 'vitest';
import { createLog } from '../../src/io.ts';
import { membersThere } from '../../src/pipelines/sync-segment/members-there.ts';

async function* pages(): AsyncGenerator<readonly string[]> {
  yield ['user-1', 'user-2\nuser-3', 'user-4'];
  yield ['user-5\r', 'x'.repeat(1025), 'x'.repeat(1024)];
}

test('members read at a target are left out where an id has a line end or is longer than any can be, and their number is told', async () => {
  const told: unknown[] = [];
  const log = Object.assign(createLog('silent'), { warn: (...said: unknown[]) => void told.push(said) });
  const ctx = { io: { log }, signal: new AbortController().signal };
  const found: string[] = [];
  for await (const page of membersThere(pages, () => true, ctx, 'vip')) found.push(...page);
  expect(found).toEqual(['user-1', 'user-4', 'x'.repeat(1024)]);
  expect(told).toEqual([[{ segment: 'vip', members: 3 }, expect.stringContaining('line ends')]]);
  expect(JSON.stringify(told)).not.toContain('user-');
});

test('a member that the target knows by several ids is had by those that are known here, else by the usual one', async () => {
  async function* aliases() {
    yield [['new@x.example', 'old@x.example'], 'one@x.example', ['usual@x.example', 'other@x.example']];
    yield [
      ['a@x.example', 'b@x.example', 'c@x.example'],
      ['usual\n@x.example', 'fits@x.example'],
    ];
  }
  const known = new Set(['old@x.example', 'a@x.example', 'c@x.example', 'fits@x.example']);
  const ctx = { io: { log: createLog('silent') }, signal: new AbortController().signal };
  const found: string[] = [];
  for await (const page of membersThere(aliases, (id) => known.has(id), ctx, 'vip')) found.push(...page);
  const several = ['a@x.example', 'c@x.example', 'fits@x.example'];
  expect(found).toEqual(['old@x.example', 'one@x.example', 'usual@x.example', ...several]);
});
