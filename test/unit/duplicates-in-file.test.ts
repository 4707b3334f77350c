import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { findDuplicates } from '../../src/pipelines/files/duplicates.ts';
import { createRowIndex, openRowIndex, VERDICT } from '../../src/pipelines/files/row-index.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-duplicates-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  key: string;
  content: string;
  event?: number;
  person?: string;
  rejected?: boolean;
}

const CODES = { duplicate: 21, conflict: 22 };
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);
const WORDS = new Map<number, string>(Object.entries(VERDICT).map(([word, verdict]) => [verdict, word]));

function judge(rows: readonly Row[], firstWins = false, keysAPass?: number) {
  const path = join(folder, 'index');
  const index = createRowIndex(path);
  for (const [i, { key, content, event = 1, person = key, rejected }] of rows.entries()) {
    index.add({
      offset: 0,
      length: 0,
      line: i + 2,
      verdict: rejected ? VERDICT.rejected : VERDICT.candidate,
      keyHash: rejected ? '' : hashOf(key),
      contentHash: rejected ? '' : hashOf(content),
      orderHash: '',
      person: hashOf(person).slice(0, 16),
      eventMs: 0,
      money: 0n,
      currency: 0,
      eventName: rejected ? 0 : event,
      code: rejected ? 9 : 0,
      reasonAt: 0,
      reasonLength: 0,
    });
  }
  index.finish();
  const findings = findDuplicates(path, rows.length, CODES, firstWins, keysAPass);
  const verdicts: string[] = [];
  const opened = openRowIndex(path);
  for (const block of opened.blocks()) {
    for (let i = 0; i < block.count; i++) {
      const word = WORDS.get(block.verdict(i)) ?? '';
      verdicts.push(word === 'duplicate' || word === 'conflict' ? `${word} of ${block.refLine(i)}` : word);
      const code = { duplicate: CODES.duplicate, conflict: CODES.conflict, rejected: 9 }[word] ?? 0;
      expect(block.code(i)).toBe(code);
    }
  }
  opened.close();
  return { findings, verdicts };
}

/** The same said in the plainest way, with all rows in memory. */
function plainly(rows: readonly Row[], firstWins: boolean): string[] {
  return rows.map((row, i) => {
    if (row.rejected) return 'rejected';
    const same = rows
      .map((other, at) => ({ ...other, line: at + 2 }))
      .filter((other) => !other.rejected && other.key === row.key && (other.event ?? 1) === (row.event ?? 1));
    const first = same[0];
    const other = same.find(({ content }) => content !== first?.content);
    if (!first || same.length === 1) return 'candidate';
    const isFirst = first.line === i + 2;
    if (!other) return isFirst ? 'candidate' : `duplicate of ${first.line}`;
    if (!firstWins) return `conflict of ${isFirst ? other.line : first.line}`;
    if (isFirst) return 'candidate';
    return `${row.content === first.content ? 'duplicate' : 'conflict'} of ${first.line}`;
  });
}

describe('rows of one file with the same key', () => {
  it('are duplicates of the first where they say the same', () => {
    const { verdicts, findings } = judge([
      { key: 'a', content: '1' },
      { key: 'b', content: '1' },
      { key: 'a', content: '1' },
    ]);
    expect(verdicts).toEqual(['candidate', 'candidate', 'duplicate of 2']);
    expect(findings).toMatchObject({ candidates: 3, distinctKeys: 2, shared: { rows: 0 } });
  });

  it('are all in conflict where one differs, also the ones that agree', () => {
    const rows = [
      { key: 'a', content: '1' },
      { key: 'a', content: '1' },
      { key: 'a', content: '2' },
    ];
    expect(judge(rows).verdicts).toEqual(['conflict of 4', 'conflict of 2', 'conflict of 2']);
    expect(judge(rows, true).verdicts).toEqual(['candidate', 'duplicate of 2', 'conflict of 2']);
  });

  it('are apart under different event names, and rejected rows have no part in it', () => {
    const rows = [
      { key: 'a', content: '1', event: 1 },
      { key: 'a', content: '2', event: 2 },
      { key: 'a', content: '3', rejected: true },
    ];
    expect(judge(rows).verdicts).toEqual(['candidate', 'candidate', 'rejected']);
  });

  it('are counted where they stand for different people', () => {
    const rows = ['ann', 'bob', 'cho', 'dan'].map((person) => ({
      key: person < 'd' ? 'zip' : 'own',
      content: person,
      person,
    }));
    expect(judge(rows).findings.shared.rows).toBe(3);
    expect(judge(rows.map((row) => ({ ...row, person: 'ann' }))).findings.shared.rows).toBe(0);
  });

  it('are found the same whatever the memory: in one pass over the keys or in many', () => {
    const row = fc.record({
      key: fc.constantFrom(...'abcdefghijklmnop'),
      content: fc.constantFrom('1', '1', '1', '2'),
      event: fc.constantFrom(1, 1, 2),
      rejected: fc.constantFrom(false, false, false, true),
    });
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 60 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 70 }),
        (rows, firstWins, keysAPass) => {
          const { verdicts, findings } = judge(rows, firstWins, Math.max(keysAPass, Math.ceil(rows.length / 3)));
          expect(verdicts).toEqual(plainly(rows, firstWins));
          const keys = rows.filter(({ rejected }) => !rejected).map(({ key, event }) => `${event} ${key}`);
          expect(findings).toMatchObject({ candidates: keys.length, distinctKeys: new Set(keys).size });
        },
      ),
      { numRuns: 150 },
    );
  });
});
