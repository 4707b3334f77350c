import fc from 'fast-check';

/** How a table is written down. */
export interface Style {
  dialect: 'rfc4180' | 'extole' | 'excel';
  delimiter: string;
  charset: 'utf-8' | 'utf-8-bom' | 'utf-16le' | 'utf-16be' | 'windows-1252';
  /** Line ends, used in turn. */
  ends: readonly string[];
  /** Blank lines before records, in turn. */
  blanks: readonly number[];
  /** What is quoted although it need not be, in turn. */
  quoted: readonly boolean[];
  lastEnd: boolean;
  trailingDelimiter: boolean;
  upperHeader: boolean;
  paddedHeader: boolean;
}

export interface Table {
  columns: string[];
  rows: string[][];
  style: Style;
}

/** A table as text, and each row with its place in it: what reading must give back. */
export interface Written {
  text: string;
  bytes: Buffer;
  rows: { line: number; raw: string; values: string[] }[];
}

const LETTERS_1252 = 'abcXYZ019 _-éßœ€™'.split('');
const LETTERS = [...LETTERS_1252, 'ł', '日', '😀', 'e\u0301', '\u2028', '\ufeff', '\u00a0'];
const SPECIAL = [
  '"',
  '""',
  '\\',
  ',',
  ';',
  '|',
  '\t',
  '\n',
  '\r',
  '\r\n',
  "'",
  '=',
  '#',
  '\u001a',
  '[',
  '{',
  ' ',
  '  ',
];

function cell(letters: readonly string[]): fc.Arbitrary<string> {
  const any = fc.array(fc.constantFrom(...letters, ...SPECIAL), { maxLength: 8 }).map((parts) => parts.join(''));
  return fc.oneof(
    { weight: 6, arbitrary: any },
    { weight: 2, arbitrary: fc.constantFrom('', '007', '9007199254740993', '1E5', 'TRL', 'x'.repeat(900)) },
  );
}

const style: fc.Arbitrary<Style> = fc.record({
  dialect: fc.constantFrom('rfc4180' as const, 'rfc4180' as const, 'extole' as const, 'excel' as const),
  delimiter: fc.constantFrom(',', '|', '\t', ';', ':'),
  charset: fc.constantFrom(
    'utf-8' as const,
    'utf-8-bom' as const,
    'utf-16le' as const,
    'utf-16be' as const,
    'windows-1252' as const,
  ),
  ends: fc.oneof(
    fc.constantFrom(['\n'], ['\r\n'], ['\r']),
    fc.array(fc.constantFrom('\n', '\r\n', '\r'), { minLength: 1, maxLength: 5 }),
  ),
  blanks: fc.array(fc.constantFrom(0, 0, 0, 1, 2), { minLength: 1, maxLength: 5 }),
  quoted: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
  lastEnd: fc.boolean(),
  trailingDelimiter: fc.constantFrom(false, false, true),
  upperHeader: fc.boolean(),
  paddedHeader: fc.boolean(),
});

const NAMES = ['id', 'email', 'amount', 'opened_at', 'vorname é', 'note (free text)', 'x1'];

export const table: fc.Arbitrary<Table> = style.chain((how) => {
  const letters = how.charset === 'windows-1252' ? LETTERS_1252 : LETTERS;
  return fc.shuffledSubarray(NAMES, { minLength: 1 }).chain((columns) => {
    const row = fc.array(
      cell(letters).map((text) => fitting(text, how, columns.length)),
      { minLength: columns.length, maxLength: columns.length },
    );
    return fc.array(row, { maxLength: 7 }).map((rows) => ({ columns, rows, style: how }));
  });
});

/** Values that the dialect can carry: Extole's says nothing clear about a backslash before a quote or at the end. */
function fitting(text: string, { dialect }: Style, width: number): string {
  const carried =
    dialect === 'extole' ? text.replace(/\\+(?="|$)/g, '') : dialect === 'excel' ? text.replace(/^=/, '~') : text;
  // A line of nothing but spaces, or of a Ctrl-Z, is no record, so that a file of one column cannot say them.
  return width === 1 && carried.replaceAll('\u001a', '').trim() === '' ? `v${carried}` : carried;
}

export function write({ columns, rows, style: how }: Table): Written {
  let cells = 0;
  let text = '';
  const places: { start: number; raw: string; values: string[] }[] = [];
  const header = columns.map((name) => {
    const cased = how.upperHeader ? name.toUpperCase() : name;
    return how.paddedHeader ? ` ${cased} ` : cased;
  });
  const trailing = how.trailingDelimiter && rows.length > 0;
  const lineEnd = (i: number): string => how.ends[i % how.ends.length] ?? '\n';
  for (const [i, values] of [header, ...rows].entries()) {
    for (let blank = how.blanks[i % how.blanks.length] ?? 0; blank > 0; blank--) text += lineEnd(i + blank);
    const raw =
      values.map((value) => cellOf(value, how, how.quoted[cells++ % how.quoted.length] ?? false)).join(how.delimiter) +
      (trailing ? how.delimiter : '');
    if (i > 0) places.push({ start: text.length, raw, values });
    text += raw;
    if (i < rows.length || how.lastEnd) text += lineEnd(i);
  }
  return {
    text,
    bytes: encode(text, how.charset),
    rows: places.map(({ start, raw, values }) => ({ line: lineAt(text, start), raw, values })),
  };
}

/** The line on which a place of a text is: LF, CRLF and CR end one. */
export function lineAt(text: string, at: number): number {
  return 1 + (text.slice(0, at).match(/\r\n|\n|\r/g)?.length ?? 0);
}

function cellOf(value: string, { dialect, delimiter }: Style, quoted: boolean): string {
  const must =
    value.includes('"') ||
    value.includes(delimiter) ||
    /[\r\n]/.test(value) ||
    (dialect === 'extole' && /^\s|^\ufeff/.test(value));
  const space = dialect === 'extole' && quoted ? ' ' : '';
  if (!must && !quoted) return value;
  return `${space}"${dialect === 'extole' ? value.replaceAll('"', '\\"') : value.replaceAll('"', '""')}"`;
}

const high = new TextDecoder('windows-1252').decode(Uint8Array.from({ length: 128 }, (_, i) => 128 + i));

export function encode(text: string, charset: Style['charset']): Buffer {
  if (charset === 'utf-8') return Buffer.from(text);
  if (charset === 'utf-8-bom') return Buffer.from(`\ufeff${text}`);
  if (charset === 'windows-1252')
    return Buffer.from(
      Array.from(text, (letter) => (letter < '\u0080' ? letter.charCodeAt(0) : 128 + high.indexOf(letter))),
    );
  const units = Buffer.from(`\ufeff${text}`, 'utf16le');
  return charset === 'utf-16be' ? units.swap16() : units;
}
