import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { type AnswerSheet, openAnswerSheet } from '../../src/ledger/answer-sheet.ts';

const accepted = (id: number) => ({
  id,
  answer: { kind: 'accepted', proof: 'row_result', eventId: `line-${id}` } as const,
});

const idsOf = (sheet: AnswerSheet): number[] => [...sheet.batches()].flat().map(({ id }) => id);

it('answers to two files that are read at the same time do not meet', () => {
  const db = new Database(':memory:');
  const one = openAnswerSheet({ db });
  expect(one.add([accepted(1), accepted(2), accepted(1)])).toEqual([true, true, false]);
  const other = openAnswerSheet({ db });
  expect(other.add([accepted(7), { id: 1, answer: { kind: 'rejected', code: 'X', reason: 'no' } }])).toEqual([
    true,
    true,
  ]);
  expect(one.add([accepted(3)])).toEqual([true]);
  expect([one.clashes(), other.clashes()]).toEqual([0, 0]);
  other.clear();
  expect([idsOf(one), idsOf(other)]).toEqual([[1, 2, 3], []]);
  one.clear();
  expect(idsOf(one)).toEqual([]);
  db.close();
});
