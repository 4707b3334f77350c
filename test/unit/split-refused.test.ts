import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Called, splitRefused } from '../../src/destinations/split.ts';
import type { Answer } from '../../src/model.ts';

const NEVER = new AbortController().signal;

const YES: Answer = { kind: 'accepted', proof: { kind: 'row_result', eventId: 'call-1' } };
const refusal = (row: number): Answer => ({ kind: 'rejected', code: 'BAD_ROW', reason: `row ${row} is bad` });
const rows = (count: number): number[] => Array.from({ length: count }, (_, row) => row);

/** A provider that refuses a call whole for any of these rows, and names the first of them. */
function provider(bad: ReadonlySet<number>): {
  calls: number[][];
  taken: number[];
  call: (part: readonly number[]) => Promise<Called>;
} {
  const calls: number[][] = [];
  const taken: number[] = [];
  return {
    calls,
    taken,
    async call(part) {
      calls.push([...part]);
      const found = part.find((row) => bad.has(row));
      if (found !== undefined) return { refused: refusal(found) };
      taken.push(...part);
      return { answers: part.map(() => YES) };
    },
  };
}

const expected = (count: number, bad: ReadonlySet<number>): Answer[] =>
  rows(count).map((row) => (bad.has(row) ? refusal(row) : YES));

test('a batch that is taken is one call', async () => {
  const { call, calls } = provider(new Set());
  expect(await splitRefused(rows(75), call, NEVER)).toEqual(expected(75, new Set()));
  expect(calls).toEqual([rows(75)]);
});

test('an empty batch is no call, and a single bad row is one', async () => {
  const { call, calls } = provider(new Set([0]));
  expect(await splitRefused([], call, NEVER)).toEqual([]);
  expect(calls).toHaveLength(0);
  expect(await splitRefused([0], call, NEVER)).toEqual([refusal(0)]);
  expect(calls).toHaveLength(1);
});

test.each([2, 3, 4, 5, 7, 8, 50, 75, 100, 127, 128, 129, 1000])(
  'one bad row among %d costs at most 2 log2 n calls more, wherever it stands, and the others are taken once',
  async (count) => {
    for (const row of count > 200 ? [0, 1, 499, 500, 998, 999] : rows(count)) {
      const bad = new Set([row]);
      const { call, calls, taken } = provider(bad);
      expect(await splitRefused(rows(count), call, NEVER)).toEqual(expected(count, bad));
      expect(calls.length - 1).toBeLessThanOrEqual(2 * Math.log2(count));
      expect(taken).toEqual(rows(count).filter((one) => one !== row));
    }
  },
);

test('whichever rows are bad, each stands alone with its own refusal, and answers are in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 120 }), async (verdicts) => {
      const bad = new Set(rows(verdicts.length).filter((row) => verdicts[row]));
      const { call, calls, taken } = provider(bad);
      expect(await splitRefused(rows(verdicts.length), call, NEVER)).toEqual(expected(verdicts.length, bad));
      expect(taken).toEqual(rows(verdicts.length).filter((row) => !bad.has(row)));
      expect(calls.length - 1).toBeLessThanOrEqual(Math.max(0, bad.size * 2 * Math.log2(verdicts.length)));
    }),
  );
});

test('a call that is refused although each of its rows is fine alone is taken in parts', async () => {
  const taken: number[] = [];
  const call = async (part: readonly number[]): Promise<Called> => {
    if (part.length > 3) return { refused: refusal(-1) };
    taken.push(...part);
    return { answers: part.map(() => YES) };
  };
  expect(await splitRefused(rows(20), call, NEVER)).toEqual(expected(20, new Set()));
  expect(taken).toEqual(rows(20));
});

test('a part without a clear answer says nothing of the next one, which is called whole', async () => {
  const calls: number[][] = [];
  const call = async (part: readonly number[]): Promise<Called> => {
    calls.push([...part]);
    if (part.length === 8) return { refused: refusal(1) };
    if (part[0] === 0) return { answers: part.map(() => ({ kind: 'unknown', code: 'NO_ANSWER', reason: 'cut' })) };
    return { answers: part.map(() => YES) };
  };
  const answers = await splitRefused(rows(8), call, NEVER);
  expect(answers.map(({ kind }) => kind)).toEqual([...Array(4).fill('unknown'), ...Array(4).fill('accepted')]);
  expect(calls).toEqual([rows(8), [0, 1, 2, 3], [4, 5, 6, 7]]);
});

test('once the provider halts, nothing more is called, and what was not called is surely not accepted', async () => {
  let calls = 0;
  const call = async (part: readonly number[]): Promise<Called> => {
    calls += 1;
    if (calls === 1) return { refused: refusal(5) };
    const halted: Answer = { kind: 'halted', code: 'MISROUTED', reason: 'wrong host', http: 202, doubtful: true };
    return { answers: part.map(() => halted) };
  };
  const answers = await splitRefused(rows(8), call, NEVER);
  expect(calls).toBe(2);
  const halted = { kind: 'halted', code: 'MISROUTED', reason: 'wrong host' };
  expect(answers).toEqual([...Array(4).fill({ ...halted, http: 202, doubtful: true }), ...Array(4).fill(halted)]);
});

test('a stop between two calls is thrown, and so is what the call throws', async () => {
  const stop = new AbortController();
  const { call, calls } = provider(new Set([7]));
  const stopping = async (part: readonly number[]): Promise<Called> => {
    if (calls.length === 2) stop.abort(new Error('stopped by the operator'));
    return await call(part);
  };
  await expect(splitRefused(rows(8), stopping, stop.signal)).rejects.toThrow('stopped by the operator');
  expect(calls).toHaveLength(3);
  await expect(splitRefused(rows(8), () => Promise.reject(new Error('cut')), NEVER)).rejects.toThrow('cut');
});
