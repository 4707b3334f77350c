import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { spokenOf, staysBy } from '../../src/pipelines/sync-segment/who-stays.ts';
import { PARTS, partOf } from '../../src/segments/spool.ts';

const IDS = Array.from({ length: 2000 }, (_, i) => `user-${i}`);
const MEMBERS = new Set(IDS.filter((_, i) => i % 3 !== 0));

/** A snapshot that notes which parts were read. */
function snapshot() {
  const read: number[] = [];
  return {
    read,
    part: (number: number) => {
      read.push(number);
      return { add: new Set([...MEMBERS].filter((id) => partOf(id) === number)), remove: 'rest' as const };
    },
  };
}

const byPart = [...IDS].sort((a, b) => partOf(a) - partOf(b));

test('a part is read once for all the ids of it that are asked for one after the other', () => {
  const wanted = snapshot();
  const stays = staysBy({ ledger: { db: new Database(':memory:') } }, 1, wanted);
  for (const id of byPart) expect(stays(id), id).toBe(MEMBERS.has(id));
  expect(wanted.read.length).toBeLessThanOrEqual(PARTS);
});

test('ids in any order have the same answers, from a few parts at hand', () => {
  const wanted = snapshot();
  const spoken = spokenOf(wanted);
  for (const id of IDS.slice(0, 300)) expect(spoken(id), id).toBe(MEMBERS.has(id));
  for (const id of IDS.slice(0, 300).reverse()) expect(spoken(id), id).toBe(MEMBERS.has(id));
  const [one = '', other = ''] = [byPart[0], byPart.at(-1)];
  const before = wanted.read.length;
  for (let i = 0; i < 50; i++) for (const id of [one, other]) spoken(id);
  expect(wanted.read.length - before).toBeLessThanOrEqual(2);
});
