import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AT, csv, HEADER, lineOf, type Row, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { expectCase, type InputCase, putThrough, type TableRun } from './support/input-table.ts';

/** A row whose key says which file it stands in, as `putThrough` needs it. */
const of = (name: string, n: number | string, change: Partial<Row> = {}): Row => row(`${name}-${n}`, change);
const line = (name: string, n: number | string, change: Partial<Row> = {}): string => lineOf(of(name, n, change));
const three = (name: string): string => csv([1, 2, 3].map((n) => of(name, n)));
const THREE = ['2 delivered', '3 delivered', '4 delivered'];
const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const members = (sent: { body: { data: Record<string, string> } }[]): (string | undefined)[] =>
  sent.map(({ body }) => body.data.partner_user_id).sort();

const ENCODINGS: InputCase[] = [
  {
    title: 'I01: a UTF-8 mark is no part of the first name',
    name: 'bom.csv',
    bytes: `\ufeff${three('bom')}`,
    fates: THREE,
  },
  {
    title: 'I02: UTF-16 with its mark is read, little endian',
    name: 'le.csv',
    bytes: Buffer.from(`\ufeff${csv([of('le', 1, { member: 'Zoë 😀' })])}`, 'utf16le'),
    fates: ['2 delivered'],
    and: ({ sent, lines }) => {
      expect(members(sent)).toEqual(['Zoë 😀']);
      expect(lines[0]?.input).toContain('Zoë 😀');
    },
  },
  { title: 'I02: and big endian', name: 'be.csv', bytes: utf16be(`\ufeff${three('be')}`), fates: THREE },
  {
    title: 'I02: without a mark it is refused, and the pattern of its zeros is named',
    name: 'nomark.csv',
    bytes: Buffer.from(three('nomark'), 'utf16le'),
    refused: { code: 'ENCODING', says: /NUL.*file\.charset: utf-16le/ },
  },
  {
    title: 'I03: a byte that is no UTF-8 refuses the file with its place, also behind good rows',
    name: 'latin.csv',
    bytes: Buffer.concat([Buffer.from(three('latin')), Buffer.from('latin-4,x@private.example,caf\xe9', 'latin1')]),
    refused: { code: 'ENCODING', line: 5, says: /byte \d+ of the file: 0xE9.*windows-1252/ },
  },
];

const LINES: InputCase[] = [
  { title: 'I04: CRLF', name: 'crlf.csv', bytes: three('crlf').replaceAll('\n', '\r\n'), fates: THREE },
  { title: 'I04: CR alone', name: 'cr.csv', bytes: three('cr').replaceAll('\n', '\r'), fates: THREE },
  {
    title: 'I04: LF first, CRLF later: no carriage return is left in the last field',
    name: 'mixed.csv',
    bytes: `${HEADER}\n${line('mixed', 1)}\r\n${line('mixed', 2)}\n${line('mixed', 3)}\r${line('mixed', 4)}`,
    fates: [...THREE, '5 delivered'],
    and: ({ sent }) => expect(sent.every(({ body }) => /^\d+\.50$/.test(body.data.cart_value ?? ''))).toBe(true),
  },
  {
    title: 'I04: CRLF first, LF later',
    name: 'dexim.csv',
    bytes: `${HEADER}\r\n${line('dexim', 1)}\n${line('dexim', 2)}\r\n${line('dexim', 3)}\n`,
    fates: THREE,
  },
  {
    title:
      'I05: line ends, delimiters and quotes inside quotes stay, in header and rows; lines are counted through them',
    name: 'quoted.csv',
    bytes: `"id","email",member,at,"amount","no\nte, ""x"""\n${line('quoted', 1)},"a\r\nb, ""c"""\n${line('quoted', 2)},\n`,
    fates: ['3 delivered', '5 delivered'],
    and: ({ lines, results }) => {
      expect(lines[0]?.input).toBe(`${line('quoted', 1)},"a\r\nb, ""c"""`);
      expect(results.toString()).toMatch(/^line,.*,"no\nte, ""x"""\n/s);
    },
  },
];

const many = (name: string, broken: number): string =>
  csv(Array.from({ length: 10_000 }, (_, i) => (i === broken ? `"${line(name, i)}` : of(name, i))));

const STRUCTURE: InputCase[] = [
  {
    title: 'I06: a quote that opens in row 2 of 10,000 and never closes: the line where it opens',
    name: 'open.csv',
    bytes: many('open', 1),
    refused: { code: 'QUOTE_NOT_CLOSED', line: 3 },
  },
  {
    title: 'I06: the same where a later field is quoted, so that the quote seems to close',
    name: 'later.csv',
    bytes: `${three('later')}later-4,"x@private.example,M,${AT},1.00\n${line('later', 5)}\nlater-6,"y@private.example",M,${AT},1.00\n`,
    refused: { code: 'QUOTE_NOT_CLOSED', line: 5 },
  },
  {
    title: 'I07: a quote inside an unquoted field refuses the file with its line (there is no relaxed reading)',
    name: 'stray.csv',
    bytes: `${three('stray')}stray-4,4@private.example,the "M",${AT},1.00\n${line('stray', 5)}\n`,
    refused: { code: 'STRAY_QUOTE', line: 5, says: /column 3/ },
  },
  {
    title: 'I07: text behind a closed quote',
    name: 'behind.csv',
    bytes: `${three('behind')}behind-4,"4@private.example"x,M,${AT},1.00\n`,
    refused: { code: 'STRAY_QUOTE', line: 5, says: /column 2/ },
  },
  {
    title: 'I10: a field over 256 kB costs its row, no other',
    name: 'field.csv',
    bytes: csv([of('field', 1), of('field', 2, { member: 'x'.repeat(300_000) }), of('field', 3)]),
    fates: ['2 delivered', '3 rejected FIELD_TOO_LARGE', '4 delivered'],
  },
  {
    title: 'I10: a record over 1 MB refuses the file',
    name: 'record.csv',
    bytes: csv([of('record', 1), of('record', 2, { member: 'x'.repeat(1_100_000) }), of('record', 3)]),
    refused: { code: 'RECORD_TOO_LARGE', line: 3, says: /file\.limits\.record/ },
  },
  {
    title: 'I10: so does a field of 10 MB, also in quotes',
    name: 'huge.csv',
    bytes: csv([of('huge', 1), of('huge', 2, { member: `"${'x'.repeat(10_000_000)}"` })]),
    refused: { code: 'RECORD_TOO_LARGE', line: 3 },
  },
  {
    title: 'I10: 5,000 columns',
    name: 'columns.csv',
    bytes: csv([of('columns', 1)], `${HEADER},${Array.from({ length: 5000 }, (_, i) => `c${i}`).join(',')}`),
    refused: { code: 'TOO_MANY_COLUMNS', line: 1, says: /5005 columns; 512/ },
  },
  {
    title: 'I16: a delimiter at the end of each record, header included',
    name: 'trailing.csv',
    bytes: three('trailing').replaceAll('\n', ',\n'),
    fates: THREE,
  },
  {
    title: 'I16: of some records: those are ragged',
    name: 'sometrail.csv',
    bytes: `${HEADER}\n${line('sometrail', 1)}\n${line('sometrail', 2)},\n${line('sometrail', 3)}\n`,
    fates: ['2 delivered', '3 rejected COLUMN_COUNT', '4 delivered'],
  },
  {
    title: 'I17: a short and a long row; their neighbours are not affected',
    name: 'ragged.csv',
    bytes: csv([
      of('ragged', 1),
      'ragged-2,x@private.example',
      of('ragged', 3),
      `${line('ragged', 4)},more`,
      of('ragged', 5),
    ]),
    fates: ['2 delivered', '3 rejected COLUMN_COUNT', '4 delivered', '5 rejected COLUMN_COUNT', '6 delivered'],
  },
  {
    title: 'I17, I46: more bad rows than the job allows: the file is held, and nothing sent',
    name: 'mostly.csv',
    bytes: csv([of('mostly', 1), ...Array.from({ length: 9 }, (_, i) => `mostly-${i + 2},x@private.example`)]),
    held: 'TOO_MANY_REJECTED',
  },
];

const HEADERS: InputCase[] = [
  {
    title: 'I12: a name that comes twice',
    name: 'twice.csv',
    bytes: `${HEADER},member\n${line('twice', 1)},M\n`,
    refused: { code: 'HEADER_DUPLICATE', line: 1 },
  },
  {
    title: 'I12: also after case and space are folded',
    name: 'folded.csv',
    bytes: `${HEADER}, E-Mail,"e-mail "\n${line('folded', 1)},x,y\n`,
    refused: { code: 'HEADER_DUPLICATE', says: /columns 6 and 7/ },
  },
  {
    title: 'I13: a column that the job needs is missing: both sets are named',
    name: 'missing.csv',
    bytes: three('missing').replace('amount', 'value'),
    refused: { code: 'HEADER_MISSING', says: /lacks amount.*found: id, email, member, at, value.*expected.*amount/ },
  },
  {
    title: 'I13: unknown columns are ignored, and case and space make no difference',
    name: 'extra.csv',
    bytes: `extra, ID ,EMAIL,Member,At,Amount\n${[1, 2].map((n) => `x,${line('extra', n)}`).join('\n')}\n`,
    fates: ['2 delivered', '3 delivered'],
    and: ({ sent }) => expect(Object.keys(sent[0]?.body.data ?? {})).not.toContain('extra'),
  },
  {
    title: 'I15: data on the first line',
    name: 'noheader.csv',
    bytes: three('noheader').replace(`${HEADER}\n`, ''),
    refused: { code: 'HEADER_LOOKS_LIKE_DATA', line: 1 },
  },
  {
    title: 'I18: the hint "sep=;" is recognised, and what to do is said',
    name: 'sep.csv',
    bytes: `sep=;\n${three('sep').replaceAll(',', ';')}`,
    refused: { code: 'SEP_LINE', line: 1, says: /file\.delimiter/ },
  },
  {
    title: 'I18: a comment first',
    name: 'comment.csv',
    bytes: `# made by hand\n${three('comment')}`,
    refused: { code: 'COMMENT_LINE' },
  },
  {
    title: 'I18: Excel\'s ="00123" is a rejected key where the job does not unwrap it',
    name: 'excel.csv',
    bytes: `${HEADER}\n${line('excel', 1)}\n"=""00123""",2@private.example,M,${AT},1.00\n${line('excel', 3)}\n`,
    fates: ['2 delivered', '3 rejected KEY_FORMULA', '4 delivered'],
  },
  {
    title: 'I19: pipes inside quotes in a pipe-separated file',
    name: 'pipes.psv',
    bytes: `${[HEADER, line('pipes', 1), line('pipes', 2, { member: '"M|2"' })].join('\n').replaceAll(',', '|')}\n`,
    fates: ['2 delivered', '3 delivered'],
    and: ({ sent }) => expect(members(sent)).toEqual(['M-pipes-1', 'M|2']),
  },
  {
    title: 'I19: tabs in a file called .csv',
    name: 'tabs.csv',
    bytes: three('tabs').replaceAll(',', '\t'),
    refused: { code: 'DELIMITER_MISMATCH', line: 1, says: /a tab/ },
  },
];

const EMPTY: InputCase[] = (
  [
    ['nothing at all', 'nothing.csv', ''],
    ['only a mark', 'onlybom.csv', '\ufeff'],
    ['only blank lines', 'blank.csv', '\n\r\n \n\n'],
    ['only a header', 'header.csv', HEADER],
  ] as const
).map(([what, name, bytes]) => ({
  title: `I14: ${what}: zero rows and a notice`,
  name,
  bytes,
  fates: [],
  notices: ['EMPTY_FILE'],
}));

const ALL = [...ENCODINGS, ...LINES, ...STRUCTURE, ...HEADERS, ...EMPTY];

describe('the text of a file, put through the whole product', () => {
  let world: World;
  let table: TableRun;
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { source: { match: '*.{csv,psv}' }, delivery: PATIENT });
    table = await putThrough(world, 'feed', ALL);
  });
  afterAll(() => world.close());

  for (const each of ALL) it(each.title, () => expectCase(each, table));

  it("I08, I09: Extole's own quoting is read where its job says so; what has two readings, or does not close, is refused with its line", async () => {
    world.job('dialect', {
      source: { match: '*.txt' },
      file: { format: 'csv', dialect: 'extole' },
      event: { data: { first_name: 'name' } },
      delivery: PATIENT,
    });
    const file = (name: string, ...values: string[]): string =>
      `${HEADER}, "name"\n${values.map((value, i) => `${line(name, i + 1)}, ${value}`).join('\n')}\n`;
    const cases: InputCase[] = [
      {
        title: 'escaped quotes, delimiters inside, other backslashes',
        name: 'escaped.txt',
        bytes: file('escaped', '"say \\"help\\""', '"Last Name, Jr."', '"C:\\temp\\new"'),
        and: ({ sent, results }) => {
          expect(sent.map(({ body }) => body.data.first_name)).toEqual([
            'say "help"',
            'Last Name, Jr.',
            'C:\\temp\\new',
          ]);
          // The rows stand in the results as they came, in the dialect they came in.
          expect(results.toString()).toMatch(/\n2,delivered,.*\\"help\\""\n3,delivered,.*\n4,delivered,.*\n$/);
        },
      },
      {
        title: 'both ways of escaping in one file',
        name: 'mixedquotes.txt',
        bytes: file('mixedquotes', '"a \\"b\\""', '"a ""b"""'),
        refused: { code: 'DIALECT_AMBIGUOUS', line: 3 },
      },
      {
        title: 'two backslashes before a quote',
        name: 'double.txt',
        bytes: file('double', '"a"', '"ends in \\\\"'),
        refused: { code: 'DIALECT_AMBIGUOUS', line: 3 },
      },
      {
        title: 'a backslash before the closing quote',
        name: 'swallowed.txt',
        bytes: file('swallowed', '"C:\\"', '"b"'),
        refused: { code: 'QUOTE_NOT_CLOSED', line: 2 },
      },
      {
        title: 'the example as it is printed, without its closing quote',
        name: 'printed.txt',
        bytes: file('printed', '"They said \\"help\\"'),
        refused: { code: 'QUOTE_NOT_CLOSED', line: 2 },
      },
    ];
    const own = await putThrough(world, 'dialect', cases);
    for (const each of cases) expectCase(each, own);
  });

  it('nothing reached Extole but the rows that were delivered, and no value of a bad row is told anywhere but in results', () => {
    const mine = world.requests().filter(({ body }) => body.data.first_name === undefined);
    expect(mine).toHaveLength(table.run.delivered);
    expect(table.run).toMatchObject({ balanced: true, open: 0, failed: 0 });
    expect(table.told).not.toContain('private.example');
    expect(table.code).toBe(3);
  });
});
