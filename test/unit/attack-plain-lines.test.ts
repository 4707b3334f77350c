import { describe, expect, it } from 'vitest';
import { readRecords } from '../../src/parsing/records.ts';

async function* pieces(...parts: string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

describe('lines without quotes', () => {
  it('that end in a bare carriage return are records of their own, however long the text between two line feeds', async () => {
    const syntax = { delimiter: ',', leadingSpaces: false, maxRecord: 8 };
    const values: string[][] = [];
    for await (const batch of readRecords(pieces('a,b\n', '1,2\r3,4', '\r5,6\r7,8\n'), syntax))
      values.push(...batch.map((record) => record.values));
    expect(values.map((each) => each.join())).toEqual(['a,b', '1,2', '3,4', '5,6', '7,8']);
  });
});
