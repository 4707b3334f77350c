import { expect, test } from 'vitest';
import { problemsOf } from './job-problems.ts';

const HUBSPOT = { account: 'acme', token: `\${env:HUBSPOT}`, identifyBy: 'email' };
const job = (folder: string, more: object = {}) => ({
  pipeline: 'sync-segment',
  source: { url: `file:///srv/${folder}/inbox`, match: '*.csv' },
  members: { id: 'id' },
  segments: { vip: 'VIP customers' },
  target: { hubspot: HUBSPOT },
  ...more,
});
const CHANGES = { members: { id: 'id', kind: 'changes', action: { column: 'action' } } };

test('two jobs do not keep the same segment at the same account: each snapshot would undo the other', async () => {
  const found = await problemsOf({ a: job('a'), b: job('b', CHANGES) });
  expect(found).toEqual([
    'error segments: the segment vip at hubspot acme is also kept by b.yaml: a snapshot of one job removes the members of the other',
    'error segments: the segment vip at hubspot acme is also kept by a.yaml: a snapshot of one job removes the members of the other',
  ]);
});

test('nor the same list under two names', async () => {
  const target = { hubspot: { ...HUBSPOT, listId: '42' } };
  const [found] = await problemsOf({ a: job('a', { target }), b: job('b', { target, segments: { best: 'Best' } }) });
  expect(found).toMatch(/^error segments: target\.hubspot\.listId 42 is also kept by b\.yaml/);
});

test('other accounts, other segments, and changes of the same segment may stand beside each other', async () => {
  const other = { target: { hubspot: { ...HUBSPOT, account: 'other' } } };
  const a = job('a');
  expect(await problemsOf({ a, b: job('b', other), c: job('c', { segments: { best: 'Best' } }) })).toEqual([]);
  expect(await problemsOf({ a: job('a', CHANGES), b: job('b', CHANGES) })).toEqual([]);
});
