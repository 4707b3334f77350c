import { BrokenRecord } from '../../src/parsing/broken-record.ts';
import { readRecords, type SplitRecord } from '../../src/parsing/records.ts';
import { splitByRfc4180 } from '../properties/support/reference.ts';
import { inChunks, must, takeFrom } from './support.ts';

const MAX_RECORD = 1 << 20;

/** Records of delimited text: the same in chunks of any size, and the same as the plain second reading. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const delimiter = take.pick([',', '|', '\t', ';']);
  const sizes = [1 + take.number(7), 1 + take.number(64)];
  const text = take.rest().toString('utf8').replaceAll('\0', '0');
  const bytes = Buffer.from(text);
  const whole = await split(bytes, delimiter, [bytes.length + 1]);
  const pieces = await split(bytes, delimiter, sizes);
  must(
    JSON.stringify(whole) === JSON.stringify(pieces),
    'chunks of any size give the same records',
    whole,
    pieces,
    sizes,
  );
  const expected = splitByRfc4180(text, delimiter);
  must((whole.brokenOn === undefined) === expected.ok, 'a quote is out of place for one reading only', whole, expected);
  if (!expected.ok) {
    must(whole.brokenOn === expected.line, 'the broken record starts on another line', whole.brokenOn, expected.line);
    return;
  }
  const told = expected.records.map(({ line, start, length, fields }) => ({
    line,
    offset: Buffer.byteLength(text.slice(0, start)),
    length: Buffer.byteLength(text.slice(start, start + length)),
    values: fields,
  }));
  must(JSON.stringify(told) === JSON.stringify(whole.records), 'the records differ', told, whole.records);
}

async function split(
  bytes: Buffer,
  delimiter: string,
  sizes: readonly number[],
): Promise<{ records: SplitRecord[]; brokenOn?: number }> {
  const records: SplitRecord[] = [];
  const syntax = { delimiter, leadingSpaces: false, maxRecord: MAX_RECORD };
  try {
    for await (const batch of readRecords(inChunks(bytes, sizes), syntax)) {
      for (const { line, offset, length, values } of batch) records.push({ line, offset, length, values });
    }
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error;
    return { records, brokenOn: error.at.line };
  }
  return { records };
}
