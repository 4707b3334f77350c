import { expect, test } from 'vitest';
import { chunksOf } from '../../src/pipelines/sync-segment/sync.ts';

const ids = (n: number, of: string): string[] => Array.from({ length: n }, (_, i) => `${of}${i}`);

test('a part with more members than a call has room for arguments is a chunk like any other', () => {
  const [add, remove] = [ids(400_000, 'a'), ids(300_000, 'r')];
  const chunks = [...chunksOf([{ add, remove, unchanged: 0 }], 500_000)];
  expect(chunks.map((chunk) => [chunk.remove.length, chunk.add.length])).toEqual([
    [300_000, 200_000],
    [0, 200_000],
  ]);
  expect(chunks.flatMap((chunk) => chunk.add)).toEqual(add);
  expect(chunks.flatMap((chunk) => chunk.remove)).toEqual(remove);
});
