import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { differenceOf } from '../../src/segments/difference.ts';
import { createMemberSpool, PARTS, partOf } from '../../src/segments/spool.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-spool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, 'spool');

const everybody = (spool: { part(n: number): Set<string> }): string[] =>
  Array.from({ length: PARTS }, (_, n) => [...spool.part(n)]).flat();

/** Ids as they come: short ones that repeat, and any text without line ends. */
const member = fc.oneof(
  fc.nat(40).map((n) => `user-${n}`),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\n')),
);

describe('the spool of members', () => {
  test('gives back everybody once, in the part that the id belongs to, whatever went to disk', () => {
    fc.assert(
      fc.property(fc.array(member, { maxLength: 300 }), fc.constantFrom(64, 300, 32_768), (members, chunk) => {
        const spool = createMemberSpool(path, chunk);
        for (const each of members) spool.add(each);
        expect(everybody(spool).sort()).toEqual([...new Set(members)].sort());
        for (let n = 0; n < PARTS; n++) for (const each of spool.part(n)) expect(partOf(each)).toBe(n);
        expect(spool.added).toBe(members.length);
        spool.close();
      }),
      { numRuns: 60, seed: 20_261_121 },
    );
  });

  test("what a process left that died before its file lost its name is in nobody's way", () => {
    writeFileSync(path, '');
    const spool = createMemberSpool(path, 64);
    for (let i = 0; i < 10_000; i++) spool.add(`user-${i}`);
    expect(everybody(spool)).toHaveLength(10_000);
    spool.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('its file has no name from the start', () => {
    const spool = createMemberSpool(path, 64);
    for (let i = 0; i < 10_000; i++) spool.add(`user-${i}`);
    expect(readdirSync(folder)).toEqual([]);
    expect(existsSync(path)).toBe(false);
    expect(everybody(spool)).toHaveLength(10_000);
    spool.close();
  });

  test('ids that differ in nothing but capitals or spaces are different members', () => {
    const spool = createMemberSpool(path);
    for (const each of ['a@b.c', 'A@b.c', ' a@b.c', '007', '7', '9007199254740993']) spool.add(each);
    expect(everybody(spool).sort()).toEqual([' a@b.c', '007', '7', '9007199254740993', 'A@b.c', 'a@b.c']);
    spool.close();
  });
});

describe('the difference of two memberships', () => {
  const set = fc.uniqueArray(fc.nat(12).map(String));

  test('turns what is confirmed into the snapshot, and nobody is touched who is in both', () => {
    fc.assert(
      fc.property(set, set, (wanted, confirmed) => {
        const { add, remove, unchanged } = differenceOf({ add: new Set(wanted), remove: 'rest' }, confirmed);
        const after = new Set([...confirmed.filter((each) => !remove.includes(each)), ...add]);
        expect([...after].sort()).toEqual([...wanted].sort());
        expect(add.filter((each) => confirmed.includes(each))).toEqual([]);
        expect(remove.filter((each) => !confirmed.includes(each))).toEqual([]);
        expect(unchanged + remove.length).toBe(confirmed.length);
      }),
    );
  });

  test('of changes, only what is not so already leaves, and nobody else is removed', () => {
    fc.assert(
      fc.property(set, set, set, (adds, others, confirmed) => {
        const removes = others.filter((each) => !adds.includes(each));
        const { add, remove, unchanged } = differenceOf({ add: new Set(adds), remove: new Set(removes) }, confirmed);
        expect(add).toEqual(adds.filter((each) => !confirmed.includes(each)));
        expect(remove).toEqual(confirmed.filter((each) => removes.includes(each)));
        expect(unchanged).toBe(confirmed.length - remove.length);
      }),
    );
  });
});
