/** What the rows of a file are expected to become when it is processed for the first time. */
export type Expected = 'delivered' | 'duplicate' | 'conflict' | 'rejected' | 'refused';

/** One record as it stands in the file, and what is expected of it. An empty text is a blank line, of which nothing is expected. */
export interface Entry {
  text: string;
  outcome: Expected;
  code: string;
}

export function good(text: string): Entry {
  return { text, outcome: 'delivered', code: '' };
}

export function bad(code: string, text: string): Entry {
  return { text, outcome: 'rejected', code };
}

export function duplicate(text: string): Entry {
  return { text, outcome: 'duplicate', code: 'DUPLICATE_IN_FILE' };
}

export function conflict(text: string): Entry {
  return { text, outcome: 'conflict', code: 'CONFLICT_IN_FILE' };
}

export const BLANK: Entry = { text: '', outcome: 'delivered', code: '' };

/** An entry at a place of the file: 0 is before all ordinary rows, 1 after them. */
export interface Placed {
  at: number;
  entries: readonly Entry[];
}

/** Spreads ordinary rows evenly and puts the placed ones among them. */
export function interleave(rows: readonly Entry[], placed: readonly Placed[]): Entry[] {
  const all: Placed[] = [
    ...rows.map((entry, index) => ({ at: (index + 0.5) / rows.length, entries: [entry] })),
    ...placed,
  ];
  return all.sort((a, b) => a.at - b.at).flatMap(({ entries }) => entries);
}

/** Places groups evenly over the file, each group's entries next to each other. */
export function spread(groups: readonly (readonly Entry[])[]): Placed[] {
  return groups.map((entries, index) => ({ at: (index + 1) / (groups.length + 1), entries }));
}

export interface SampleFile {
  name: string;
  /** The decoded text. */
  text: string;
  gzip: boolean;
  /** `line,outcome,code,lines` for each row; `lines` is how many lines its record takes. */
  expected: string;
}

export interface Shape {
  name: string;
  eol: '\n' | '\r\n';
  bom?: boolean;
  header?: string;
  trailer?: string;
  gzip?: boolean;
}

export function sampleFile(shape: Shape, entries: readonly Entry[]): SampleFile {
  const head = shape.header === undefined ? [] : [shape.header];
  const tail = shape.trailer === undefined ? [] : [shape.trailer];
  const records = [...head, ...entries.map((entry) => entry.text), ...tail];
  const expected = ['line,outcome,code,lines'];
  let line = 1 + head.length;
  for (const { text, outcome, code } of entries) {
    const lines = text.split(/\r\n|\n|\r/).length;
    if (text !== '') expected.push(`${line},${outcome},${code},${lines}`);
    line += lines;
  }
  return {
    name: shape.name,
    text: `${shape.bom ? '\uFEFF' : ''}${records.map((record) => record + shape.eol).join('')}`,
    gzip: shape.gzip ?? false,
    expected: `${expected.join('\n')}\n`,
  };
}

/** A comma-separated record with RFC 4180 quotes where they are needed. */
export function csv(values: readonly string[]): string {
  return values.map((value) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)).join(',');
}
