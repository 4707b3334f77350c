import { expect, test } from 'vitest';
import type { Part } from '../../src/ledger/segment-chunks.ts';
import { inHalves, type Tried } from '../../src/pipelines/sync-segment/in-halves.ts';

const why = { code: 'HTTP_500', reason: 'no' };
const ids = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `m${from + i}`);
const whole = (): Part => ({ add: ids(0, 600), remove: ids(600, 1000) });

/** A target that has no answer to a call with one of these. */
function target(bad: (member: string) => boolean): {
  calls: () => number;
  made: Set<string>;
  send: (part: Part) => Promise<Tried>;
} {
  const made = new Set<string>();
  let calls = 0;
  const send = async ({ add, remove }: Part): Promise<Tried> => {
    calls++;
    const members = [...add, ...remove];
    if (members.some(bad)) return { rest: { add, remove }, answered: false, why };
    for (const member of members) made.add(member);
    return { answered: true, why };
  };
  return { calls: () => calls, made, send };
}

test('one of a thousand at which the target fails is found in as many calls as two for each halving', async () => {
  for (const bad of ['m0', 'm599', 'm600', 'm999']) {
    const { calls, made, send } = target((member) => member === bad);
    const { lone, left } = await inHalves(whole(), why, send);
    expect(lone).toMatchObject([{ member: bad, to: Number(bad.slice(1)) < 600 ? 'add' : 'remove', why }]);
    expect(left).toBeUndefined();
    expect(made.size).toBe(999);
    expect(calls()).toBeLessThanOrEqual(20);
  }
});

test('several of them are found, and everybody else gets an answer', async () => {
  const bad = ['m3', 'm4', 'm598', 'm601', 'm999'];
  const { made, send } = target((member) => bad.includes(member));
  const { lone, left } = await inHalves(whole(), why, send);
  expect(lone.map(({ member }) => member).sort()).toEqual([...bad].sort());
  expect(left).toBeUndefined();
  expect(made.size).toBe(995);
});

test('a target that answers nothing has nobody blamed, and is left alone soon', async () => {
  const { calls, send } = target(() => true);
  const { lone, left } = await inHalves(whole(), why, send);
  expect(lone).toEqual([]);
  expect([...(left?.add ?? [])].sort()).toEqual(whole().add.sort());
  expect([...(left?.remove ?? [])].sort()).toEqual(whole().remove.sort());
  expect(calls()).toBeLessThanOrEqual(14);
});

test('so few that each was tried alone are each the one, though nobody else is there to compare with', async () => {
  const { send } = target(() => true);
  const one = await inHalves({ add: [], remove: ['b'] }, why, send);
  expect(one).toEqual({ lone: [{ to: 'remove', member: 'b', why }] });
  const few = await inHalves({ add: ids(0, 5), remove: ids(5, 8) }, why, send);
  expect(few.lone.map(({ member }) => member).sort()).toEqual(ids(0, 8));
  expect(few.left).toBeUndefined();
});

test('a halt ends it, and what had no answer is left', async () => {
  let calls = 0;
  const send = async (part: Part): Promise<Tried> =>
    ++calls === 1 ? { answered: true, why } : { rest: part, answered: false, why, halted: why };
  expect(await inHalves({ add: ids(0, 4), remove: [] }, why, send)).toEqual({
    lone: [],
    left: { add: ['m2', 'm3'], remove: [] },
    halted: why,
  });
});
