import { describe, expect, test } from 'vitest';
import { type GuardRules, type Intent, reasonToHoldSync } from '../../src/pipelines/sync-segment/guards.ts';

const RULES: GuardRules = { maxShrink: 0.2, maxGrowth: 0.2, unvouched: 'hold', adopt: false };

const USUAL: Intent = {
  segment: 'vip',
  kind: 'snapshot',
  before: 1000,
  listed: 1000,
  toAdd: 10,
  toRemove: 10,
  refusedBefore: 0,
  vouched: true,
  first: false,
  replaced: false,
};

const held = (intent: Partial<Intent>, rules: Partial<GuardRules> = {}) =>
  reasonToHoldSync({ ...USUAL, ...intent }, { ...RULES, ...rules });

describe('a sync is held, with both numbers,', () => {
  test.each<[string, Partial<Intent>, Partial<GuardRules>, string, RegExp]>([
    ['for an empty snapshot', { listed: 0, toAdd: 0, toRemove: 1000 }, {}, 'SEGMENT_EMPTY', /1000 are confirmed/],
    [
      'for an empty snapshot of an empty segment',
      { listed: 0, before: 0, toAdd: 0, toRemove: 0 },
      {},
      'SEGMENT_EMPTY',
      /0 are/,
    ],
    ['for more removals than the share', { toRemove: 201 }, {}, 'SEGMENT_SHRINKS', /201 of 1000 .* \(20\.1 %\), 20 %/],
    [
      'for other members in place of these, as many',
      { toAdd: 1000, toRemove: 1000 },
      {},
      'SEGMENT_SHRINKS',
      /1000 of 1000/,
    ],
    ['for more new members than the share', { toAdd: 201 }, {}, 'SEGMENT_GROWS', /201 members more than the 1000/],
    [
      'where nothing vouches for changes that remove one',
      { kind: 'changes', vouched: false, toRemove: 1 },
      {},
      'SEGMENT_UNVOUCHED',
      /the file of changes of vip is whole.* 1 of 1000/,
    ],
    [
      'for a segment that was deleted, whatever is allowed',
      { kind: 'changes', drained: true, toAdd: 0, toRemove: 1000 },
      { maxShrink: 1, unvouched: 'accept' },
      'SEGMENT_DRAINED',
      /vip was deleted there: 1000 of 1000 confirmed members would go/,
    ],
    ['for removals by changes', { kind: 'changes', toRemove: 201 }, {}, 'SEGMENT_SHRINKS', /201 of 1000/],
    ['for the last member', { before: 1, toRemove: 1 }, {}, 'SEGMENT_SHRINKS', /1 of 1 confirmed member /],
    [
      'where nothing vouches for a snapshot that removes one',
      { vouched: false, toRemove: 1 },
      {},
      'SEGMENT_UNVOUCHED',
      /1 of 1000/,
    ],
    [
      'for a list that has members nobody knows',
      { first: true, before: 0, there: 7 },
      {},
      'SEGMENT_HAS_MEMBERS',
      /7 members .* names 1000/,
    ],
    [
      'for one that has more of them than were counted',
      { first: true, before: 0, there: 250, more: true },
      {},
      'SEGMENT_HAS_MEMBERS',
      /has more than 250 members .* names 1000/,
    ],
    ['for a list that was made anew', { replaced: true, there: 0 }, {}, 'SEGMENT_REPLACED', /0 members where 1000/],
  ])('%s', (_, intent, rules, code, message) => {
    expect(held(intent, rules)).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test('a sync that several guards speak against says all of them, under the code of the first', () => {
  const why = held({ before: 1, toAdd: 100, toRemove: 1, vouched: false });
  expect(why?.code).toBe('SEGMENT_UNVOUCHED');
  expect(why?.message).toMatch(
    /1 of 1 confirmed member; also vip would lose 1 of 1 .*; also vip would get 100 members more .*; nothing was sent$/,
  );
});

describe('a sync goes on', () => {
  test.each<[string, Partial<Intent>, Partial<GuardRules>]>([
    ['with as many removals as the share', { toRemove: 200, toAdd: 200 }, {}],
    ['with its first members', { first: true, before: 0, toAdd: 5_000_000, toRemove: 0 }, {}],
    [
      'where the list has members and is to be adopted',
      { first: true, before: 0, toAdd: 5, toRemove: 0, there: 7 },
      { adopt: true },
    ],
    ['where nothing vouches for a snapshot that removes nobody', { vouched: false, toRemove: 0 }, {}],
    ['where nothing vouches and the job says that this is so', { vouched: false }, { unvouched: 'accept' }],
    ['with changes that remove nobody', { kind: 'changes', vouched: false, toRemove: 0 }, {}],
    ['with members that were refused before', { toAdd: 300, refusedBefore: 100 }, {}],
    ['with a file of changes that names nobody', { kind: 'changes', listed: 0, toAdd: 0, toRemove: 0 }, {}],
  ])('%s', (_, intent, rules) => {
    expect(held(intent, rules)).toBeUndefined();
  });
});
