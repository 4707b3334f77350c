import { createHash } from 'node:crypto';
import { csv, dataOf, lineOf, type Row, row, rows } from './e2e-rows.ts';

/** What must become of a row, worked out from how the file was made. */
export interface Expected {
  line: number;
  outcome: 'delivered' | 'duplicate' | 'conflict' | 'rejected';
  code: string;
  input: string;
  row?: Row;
}

export interface CrashFile {
  name: string;
  text: string;
  expected: Expected[];
}

/**
 * Two days of a cumulative feed with everything that can happen to a row: the second file repeats half of the first,
 * contradicts a row of it, and goes on with people of it.
 */
export function crashFiles(size: number): CrashFile[] {
  const good = rows('D1', size);
  const person = { email: 'regular@private.example', member: 'M-REGULAR' };
  for (const i of [2, 5, 6, 11]) good[i] = row(`D1-${String(i + 1).padStart(4, '0')}`, person);
  const quoted = '"D1-quoted","quoted@private.example","M, ""Q""",'.concat(good[0]?.at ?? '', ',"12.50"');
  const first = compose('day-1.csv', [
    ...good.map(delivered),
    { input: quoted, outcome: 'delivered', code: '', row: row('D1-quoted', QUOTED) },
    rejected('D1-bad,not an address,M-1,,1.00', 'TIME_MISSING'),
    ...good.slice(3, 6).map((each) => again(each, 'DUPLICATE_IN_FILE')),
    ...[row('D1-torn', { amount: '1.00' }), row('D1-torn', { amount: '2.00' })].map((each) =>
      plain(each, 'conflict', 'CONFLICT_IN_FILE'),
    ),
    rejected('too,few', 'COLUMN_COUNT'),
  ]);
  const fresh = rows('D2', Math.ceil(size / 3));
  fresh[1] = row('D2-0002', person);
  const changed = row('D1-0002', { amount: '99999.99' });
  const second = compose('day-2.csv', [
    ...good
      .slice(0, Math.ceil(size / 2))
      .filter(({ id }) => id !== changed.id)
      .map((each) => again(each, 'DUPLICATE')),
    plain(changed, 'conflict', 'CONFLICT'),
    ...fresh.map(delivered),
    rejected(',nobody@private.example,M-2,2020-01-01T00:00:00Z,1.00', 'KEY_MISSING'),
  ]);
  return [first, second];
}

const QUOTED: Partial<Row> = { email: 'quoted@private.example', member: 'M, "Q"', amount: '12.50' };

type Part = Omit<Expected, 'line'>;

const plain = (each: Row, outcome: Expected['outcome'], code: string): Part => ({ input: lineOf(each), outcome, code });
const again = (each: Row, code: string): Part => plain(each, 'duplicate', code);
const rejected = (input: string, code: string): Part => ({ input, outcome: 'rejected', code });
const delivered = (each: Row): Part => ({ ...plain(each, 'delivered', ''), row: each });

function compose(name: string, parts: readonly Part[]): CrashFile {
  return {
    name,
    text: csv(parts.map(({ input }) => input)),
    expected: parts.map((part, i) => ({ line: i + 2, ...part })),
  };
}

/** Order of rows of one person, by key, over both files. */
export function ordersOf(files: readonly CrashFile[]): Map<string, string[]> {
  const people = new Map<string, string[]>();
  for (const { expected } of files) {
    for (const { row: each } of expected) {
      if (!each) continue;
      people.set(each.member, [...(people.get(each.member) ?? []), each.id]);
    }
  }
  return new Map([...people].filter(([, keys]) => keys.length > 1));
}

export function bodiesOf(files: readonly CrashFile[]): Map<string, Record<string, string>> {
  const bodies = files.flatMap(({ expected }) => expected.flatMap(({ row: each }) => (each ? [dataOf(each)] : [])));
  return new Map(bodies.map((data) => [data.partner_conversion_id ?? '', data]));
}

/** The same random numbers for the same seed. */
export function seeded(seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
