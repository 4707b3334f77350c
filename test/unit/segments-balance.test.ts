import { expect, test } from 'vitest';
import type { Sync } from '../../src/ledger/segment-syncs.ts';
import { imbalanceOf } from '../../src/pipelines/sync-segment/balance.ts';

const SNAPSHOT: Omit<Sync, 'id'> = {
  ...{ segmentId: 1, processingId: 1, kind: 'snapshot', state: 'done', startedAt: 0, endedAt: 1 },
  ...{ before: 100, listed: 98, toAdd: 8, toRemove: 10, unchanged: 90, added: 8, removed: 10, rejected: 0, after: 98 },
};
const of = (change: Partial<Sync> = {}): string | undefined => imbalanceOf({ ...SNAPSHOT, ...change });

test('a sync balances where everybody came and went, and where the target refused some of those who were to come', () => {
  expect(of()).toBeUndefined();
  expect(of({ added: 6, rejected: 2, after: 96 })).toBeUndefined();
});

test('a sync balances where the target did not let everybody go: those stay members', () => {
  expect(of({ removed: 7, rejected: 3, after: 101 })).toBeUndefined();
  expect(of({ added: 6, removed: 7, rejected: 5, after: 99 })).toBeUndefined();
});

test.each<[string, Partial<Sync>]>([
  ['before + added - removed is not after', { after: 97 }],
  ['somebody who was to come did not, and nobody says why', { added: 7, after: 97 }],
  ['somebody who was to go did not, and nobody says why', { removed: 9, after: 99 }],
  ['more came than were to come', { added: 9, after: 99 }],
  ['more went than were to go', { removed: 11, after: 97 }],
  ['the snapshot names others than those who came and stayed', { listed: 99 }],
])('a sync does not balance where %s', (_, change) => {
  expect(of(change)).toMatch(/\d/);
});
