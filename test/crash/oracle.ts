import { type CsvRecord, readCsv } from './oracle-csv.ts';

/**
 * Foretells from the inputs alone what must become of each row and what must arrive. It follows the documentation, and imports
 * nothing of the product.
 */

/** A file as a partner drops it. Its text is what the file says once it is unpacked. */
export interface InputFile {
  name: string;
  text: string;
}

export type Foretold = 'delivered' | 'duplicate' | 'conflict' | 'rejected' | 'held';

export interface ExpectedRow {
  /** The line of the input on which the row starts; the header is line 1. */
  line: number;
  input: string;
  outcome: Foretold;
  code: string;
  key: string;
}

/** What Extole must have of a row. */
export interface Payload {
  eventName: string;
  /** Milliseconds since 1970. */
  at: number;
  data: Readonly<Record<string, string>>;
}

export interface Prophecy {
  /** By the file's name. */
  files: ReadonlyMap<string, readonly ExpectedRow[]>;
  /** By key. */
  payloads: ReadonlyMap<string, Payload>;
  /** Keys of people with more than one row, in the order in which these must arrive. */
  orders: ReadonlyMap<string, readonly string[]>;
}

/** What a person decided before the end. */
export type Verdict =
  | { verdict: 'resolve'; key: string; line: number }
  /** A whole file that was held. */
  | { verdict: 'reject-file'; file: string }
  /** Another system delivered it: it is known, whatever else is in its row. */
  | { verdict: 'imported'; key: string }
  /** A person whose rows keep their outcome and lose their text. */
  | { verdict: 'forgotten'; email: string };

export interface OracleOptions {
  now: number;
  eventName: string;
  delimiter?: string;
  verdicts?: readonly Verdict[];
}

interface Judged extends CsvRecord {
  key: string;
  person: string;
  code: string;
  content: string;
  payload: Payload | undefined;
}

const DAY = 86_400_000;

/** `files` in the order in which they are worked on. */
export function foretell(files: readonly InputFile[], options: OracleOptions): Prophecy {
  const owners = new Map<string, string>();
  const payloads = new Map<string, Payload>();
  const people = new Map<string, string[]>();
  const result = new Map<string, ExpectedRow[]>();
  for (const { name, text } of files) {
    const [, ...records] = readCsv(text, options.delimiter ?? ',');
    const rows = records.map((record) => judge(record, options));
    const told: ExpectedRow[] = [];
    for (const row of rows) {
      const { outcome, code } = decide(row, name, rows, owners, options.verdicts ?? []);
      told.push({ line: row.line, input: row.input, outcome, code, key: row.key });
      if (outcome !== 'delivered' || !row.payload) continue;
      payloads.set(row.key, row.payload);
      people.set(row.person, [...(people.get(row.person) ?? []), row.key]);
    }
    // Only a file that is through says who owns a key: rows of one file are compared with each other first.
    for (const row of rows) {
      const its = told.find(({ line }) => line === row.line);
      if (its?.outcome === 'delivered') owners.set(row.key, row.content);
    }
    result.set(name, told);
  }
  return { files: result, payloads, orders: new Map([...people].filter(([, keys]) => keys.length > 1)) };
}

type Fate = { outcome: Foretold; code: string };

function decide(
  row: Judged,
  file: string,
  rows: readonly Judged[],
  owners: ReadonlyMap<string, string>,
  verdicts: readonly Verdict[],
): Fate {
  if (row.code !== '') return { outcome: 'rejected', code: row.code };
  if (verdicts.some((each) => each.verdict === 'reject-file' && each.file === file))
    return { outcome: 'rejected', code: 'OPERATOR_REJECTED' };
  const same = rows.filter(({ key, code }) => key === row.key && code === '');
  if (same.some(({ content }) => content !== row.content)) {
    const picked = verdicts.some(
      (each) => each.verdict === 'resolve' && each.key === row.key && each.line === row.line,
    );
    return picked ? { outcome: 'delivered', code: '' } : { outcome: 'conflict', code: 'CONFLICT_IN_FILE' };
  }
  const imported = verdicts.some((each) => each.verdict === 'imported' && each.key === row.key);
  const owner = imported ? row.content : owners.get(row.key);
  if (owner !== undefined && owner !== row.content) return { outcome: 'conflict', code: 'CONFLICT' };
  if (same[0] !== row) return { outcome: 'duplicate', code: 'DUPLICATE_IN_FILE' };
  if (owner !== undefined) return { outcome: 'duplicate', code: 'DUPLICATE' };
  return { outcome: 'delivered', code: '' };
}

function judge(record: CsvRecord, { now, eventName }: OracleOptions): Judged {
  const [key = '', email = '', member = '', at = '', amount = ''] = record.fields;
  const time = Date.parse(at);
  const code = record.fields.length === 5 ? faultOf({ key, email, member, at, amount }, time, now) : 'COLUMN_COUNT';
  const data: Record<string, string> = {
    ...(email === '' ? {} : { email }),
    ...(member === '' ? {} : { partner_user_id: member }),
    ...(amount === '' ? {} : { cart_value: amount }),
    partner_conversion_id: key,
    container: 'production',
  };
  return {
    ...record,
    key,
    person: member === '' ? email.toLowerCase() : member,
    code,
    // Written differently, and the same: the case of an address, zeros after the amount, another way to write the moment.
    content: JSON.stringify([email.toLowerCase(), member, time, amount === '' ? '' : Number(amount)]),
    payload: code === '' ? { eventName, at: time, data } : undefined,
  };
}

/** Samples have one fault a row at most. */
function faultOf(
  row: { key: string; email: string; member: string; at: string; amount: string },
  time: number,
  now: number,
): string {
  if (row.key === '') return 'KEY_MISSING';
  if (row.key.length > 38) return 'KEY_TOO_LONG';
  if (/^\d(\.\d+)?E\+\d+$/.test(row.key)) return 'KEY_SCIENTIFIC';
  if (/^(n\/a|null)$/i.test(row.key)) return 'KEY_PLACEHOLDER';
  if (row.email === '' && row.member === '') return 'IDENTITY_MISSING';
  if (row.email !== '' && !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(row.email)) return 'EMAIL_INVALID';
  if (row.at === '') return 'TIME_MISSING';
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(row.at) || Number.isNaN(time)) return 'TIME_INVALID';
  if (time < now - 365 * DAY) return 'TIME_TOO_OLD';
  if (time > now + DAY) return 'TIME_FUTURE';
  if (row.amount !== '' && !/^\d+(\.\d{1,2})?$/.test(row.amount)) return 'MONEY_INVALID';
  return '';
}
