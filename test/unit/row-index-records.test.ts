import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createRowIndex,
  type IndexEntry,
  openRowIndex,
  VERDICT,
  type Verdict,
} from '../../src/pipelines/files/row-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-index-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });
const entries = fc.array(
  fc.record({
    offset: fc.nat({ max: 2 ** 48 }),
    length: fc.nat({ max: 2 ** 31 }),
    line: fc.integer({ min: 1, max: 2 ** 31 }),
    verdict: fc.constantFrom<Verdict>(...Object.values(VERDICT)),
    keyHash: hex(32),
    contentHash: hex(32),
    orderHash: fc.oneof(fc.constant(''), hex(16)),
    person: hex(16),
    eventMs: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
    // Fifteen digits and four decimals, as the mapping lets through.
    money: fc.bigInt({ min: -(10n ** 19n - 1n), max: 10n ** 19n - 1n }),
    currency: fc.nat({ max: 65_535 }),
    eventName: fc.nat({ max: 65_535 }),
    code: fc.nat({ max: 65_535 }),
    reasonAt: fc.nat({ max: 2 ** 48 }),
    reasonLength: fc.nat({ max: 2 ** 31 }),
  }),
  { maxLength: 30 },
);

function write(path: string, rows: readonly IndexEntry[]): void {
  const index = createRowIndex(path);
  for (const row of rows) index.add(row);
  index.finish();
}

/** Everything that was put in, as it comes out. */
function read(path: string): IndexEntry[] {
  const index = openRowIndex(path);
  const rows: IndexEntry[] = [];
  for (const block of index.blocks()) {
    for (let i = 0; i < block.count; i++) {
      const person = Buffer.alloc(8);
      person.writeBigUInt64LE(block.person(i));
      const { at, length } = block.reason(i);
      rows.push({
        offset: block.offset(i),
        length: block.length(i),
        line: block.line(i),
        verdict: Object.values(VERDICT).find((verdict) => verdict === block.verdict(i)) ?? 0,
        keyHash: block.keyHash(i).toString('hex'),
        contentHash: block.contentHash(i).toString('hex'),
        orderHash: block.orderHash(i)?.toString('hex') ?? '',
        person: person.toString('hex'),
        eventMs: block.eventMs(i),
        money: block.money(i),
        currency: block.currency(i),
        eventName: block.eventName(i),
        code: block.code(i),
        reasonAt: at,
        reasonLength: length,
      });
    }
  }
  index.close();
  return rows;
}

describe('the index of a file’s rows', () => {
  it('gives back every field as it was put in', () => {
    const path = join(folder, 'fields');
    fc.assert(
      fc.property(entries, (rows) => {
        write(path, rows);
        // Without a currency there is no amount to keep.
        expect(read(path)).toEqual(rows.map((row) => (row.currency === 0 ? { ...row, money: 0n } : row)));
      }),
      { numRuns: 60 },
    );
  });

  it('keeps its records small, holds no value of the input, and is private', () => {
    const path = join(folder, 'small');
    const [row] =
      fc.sample(
        entries.filter((rows) => rows.length > 0),
        1,
      )[0] ?? [];
    if (!row) throw new Error('no sample');
    write(path, Array(5000).fill(row));
    expect(statSync(path).size).toBeLessThanOrEqual(5000 * 104);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(read(path)).toHaveLength(5000);
  });

  it('changes a verdict where it stands, over many blocks, and leaves the rest', () => {
    const path = join(folder, 'verdicts');
    const rows = Array.from({ length: 3000 }, (_, i) => entryOf(i + 2));
    write(path, rows);
    const index = openRowIndex(path);
    for (const block of index.blocks()) {
      for (let i = 0; i < block.count; i++) if (block.line(i) % 7 === 0) block.judge(i, VERDICT.conflict, 99, 5);
      index.write(block);
    }
    index.close();
    const after = read(path);
    expect(after.map(({ verdict, line }) => [verdict, line])).toEqual(
      rows.map(({ line }) => [line % 7 === 0 ? VERDICT.conflict : VERDICT.candidate, line]),
    );
    expect(after.filter(({ code }) => code === 5)).toHaveLength(rows.filter(({ line }) => line % 7 === 0).length);
    expect(after.map(({ keyHash }) => keyHash)).toEqual(rows.map(({ keyHash }) => keyHash));
  });

  it('keeps blocks apart for those who ask for it', () => {
    const path = join(folder, 'kept');
    write(
      path,
      Array.from({ length: 2500 }, (_, i) => entryOf(i + 2)),
    );
    const index = openRowIndex(path);
    const blocks = [...index.blocks(true)];
    index.close();
    expect(blocks.map((block) => block.line(0))).toEqual([2, 1026, 2050]);
  });

  it('leaves out a record that was cut off, and is empty for a file without rows', () => {
    const path = join(folder, 'cut');
    write(path, [entryOf(2), entryOf(3)]);
    truncateSync(path, statSync(path).size - 1);
    expect(read(path).map(({ line }) => line)).toEqual([2]);
    write(path, []);
    expect(read(path)).toEqual([]);
  });
});

function entryOf(line: number): IndexEntry {
  const digits = line.toString(16).padStart(32, '0');
  return {
    offset: line * 10,
    length: 9,
    line,
    verdict: VERDICT.candidate,
    keyHash: digits,
    contentHash: digits,
    orderHash: '',
    person: digits.slice(0, 16),
    eventMs: 1,
    money: 0n,
    currency: 0,
    eventName: 1,
    code: 0,
    reasonAt: 0,
    reasonLength: 0,
  };
}
