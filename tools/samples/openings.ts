import { type Person, person } from './people.ts';
import { groupedAmount, padded, plainAmount, type Random, seeded } from './random.ts';
import {
  BLANK,
  bad,
  conflict,
  csv,
  duplicate,
  type Entry,
  good,
  interleave,
  type SampleFile,
  sampleFile,
  spread,
} from './sample.ts';

const HEADER =
  'application_id,member_id,first_name,last_name,email,phone,product_code,opening_deposit,opened_on,branch_id,channel,advocate_code';

export interface Opening {
  id: string;
  member: string;
  first: string;
  last: string;
  email: string;
  phone: string;
  product: string;
  deposit: string;
  opened: string;
  branch: string;
  channel: string;
  advocate: string;
}

export function record(o: Opening): string {
  return csv([
    ...[
      o.id,
      o.member,
      o.first,
      o.last,
      o.email,
      o.phone,
      o.product,
      o.deposit,
      o.opened,
      o.branch,
      o.channel,
      o.advocate,
    ],
  ]);
}

const PHONES: readonly [(n: string) => string, ...((n: string) => string)[]] = [
  (n) => `(${n.slice(0, 3)}) ${n.slice(3, 6)}-${n.slice(6)}`,
  (n) => `${n.slice(0, 3)}-${n.slice(3, 6)}-${n.slice(6)}`,
  (n) => `+1 ${n.slice(0, 3)} ${n.slice(3, 6)} ${n.slice(6)}`,
  () => '',
];

function opening(random: Random, index: number, who: Person = person(random, index)): Opening {
  const cents = random.whole(25, 90_000) * 100 + random.pick([0, 0, 0, 50, 99]);
  return {
    id: `APP-2026-${padded(100 + index, 6)}`,
    member: random.chance(0.04) ? '' : who.member,
    first: who.first,
    last: random.chance(0.03) ? `${who.last}, Jr.` : who.last,
    email: random.chance(0.05) ? who.email.toUpperCase() : who.email,
    phone: random.pick(PHONES)(who.phone),
    product: random.pick(['CHK', 'CHK', 'SAV', 'SAV', 'MMA', 'CD']),
    deposit: random.pick([groupedAmount(cents), plainAmount(cents), `$${groupedAmount(cents)}`, '']),
    opened: random.pick(['11/16/2026', '11/17/2026', '11/18/2026', '11/19/2026', '11/19/2026', '11/20/2026']),
    branch: `${random.pick(['NY', 'NJ', 'CT', 'MA'])}-${padded(random.whole(1, 60), 3)}`,
    channel: random.pick(['Branch', 'ONLINE', 'Phone', '']),
    advocate: random.chance(0.3) ? `${who.first.slice(0, 1).toLowerCase()}-${padded(random.whole(1, 9999), 4)}` : '',
  };
}

/** The ordinary rows of the first day; fundings take their ids, the next day's file repeats some of them. */
export function ordinaryOpenings(): Opening[] {
  const random = seeded(20261120);
  return Array.from({ length: 1_090 }, (_, index) => opening(random, index + 1));
}

/** A key that is rejected on the first day and comes corrected on the next. */
export const CORRECTED_ID = 'APP-2026-700001';
/** A key in conflict within the first day's file, settled on the next. */
export const SETTLED_ID = 'APP-2026-710003';

export function openingsFile(): SampleFile {
  const random = seeded(7001);
  const ordinary = ordinaryOpenings();
  let serial = 700_000;
  /** A complete row under a key of its own, with some values replaced. */
  const row = (changes: Partial<Opening> = {}): Opening => {
    serial += 1;
    return { ...opening(random, serial), member: person(random, serial).member, id: `APP-2026-${serial}`, ...changes };
  };
  const rejected = (code: string, ...changes: Partial<Opening>[]): Entry[][] =>
    changes.map((change) => [bad(code, record(row(change)))]);

  // The first one made here is CORRECTED_ID.
  const rejects = [
    ...rejected(
      'VALUE_NOT_MAPPED',
      { product: 'XYZ' },
      { product: 'chk' },
      { product: 'CHECKING' },
      { product: 'CHK ;' },
    ),
    ...rejected('VALUE_NOT_MAPPED', { product: 'IRA' }, { product: 'IRA' }, { product: 'IRA' }, { product: '0' }),
    ...rejected('KEY_MISSING', { id: '' }, { id: '   ' }, { id: '' }, { id: '' }, { id: '\t' }),
    ...rejected(
      'KEY_TOO_LONG',
      { id: `APP-2026-${'0'.repeat(30)}` },
      { id: `APP-${'9'.repeat(996)}` },
      { id: '🏦'.repeat(39) },
    ),
    ...rejected('KEY_SCIENTIFIC', { id: '1.23E+14' }, { id: '9.00720E+15' }, { id: '2,02611E+11' }),
    ...rejected('KEY_PLACEHOLDER', { id: 'null' }, { id: 'N/A' }, { id: '-' }, { id: '#REF!' }),
    ...rejected('KEY_CONTROL_CHARS', { id: 'APP-2026\u0001-800001' }),
    ...rejected('EMAIL_INVALID', { email: 'not-an-address' }, { email: 'two@example.com;three@example.com' }),
    ...rejected(
      'EMAIL_INVALID',
      { email: 'Jo Doe <jo.doe@example.com>' },
      { email: 'jo.doe@example' },
      { email: '@example.com' },
    ),
    ...rejected('EMAIL_INVALID', { email: 'jo doe@example.com' }, { email: 'jo@@example.com' }, { email: 'nobody' }),
    ...rejected(
      'EMAIL_TOO_LONG',
      { email: `${'x'.repeat(250)}@example.com` },
      { email: `${'y'.repeat(300)}@example.org` },
    ),
    ...rejected('PARTNER_USER_ID_TOO_LONG', { member: '7'.repeat(39) }),
    ...rejected(
      'NAME_TOO_LONG',
      { first: 'Maximiliana'.repeat(4) },
      { last: `${'Wolfeschlegel'.repeat(3)}` },
      { first: 'é'.repeat(39) },
    ),
    ...rejected('CONTROL_CHARS', { first: 'Ma\u0007ria' }),
    ...rejected(
      'PHONE_INVALID',
      { phone: '12345' },
      { phone: '212-555-014' },
      { phone: 'call me' },
      { phone: '(012) 555-0143' },
    ),
    ...rejected('FIELD_REQUIRED', { product: '' }, { product: ' ' }, { product: '' }),
    ...rejected(
      'MONEY_INVALID',
      { deposit: '1.250,00' },
      { deposit: '12,50.00' },
      { deposit: 'abc' },
      { deposit: '1.234' },
    ),
    ...rejected('MONEY_INVALID', { deposit: '-50.00' }, { deposit: '(50.00)' }, { deposit: '1e3' }, { deposit: 'NaN' }),
    ...rejected(
      'TIME_INVALID',
      { opened: '02/30/2026' },
      { opened: '11/31/2026' },
      { opened: '2026-11-18' },
      { opened: '1/5/2026' },
    ),
    ...rejected(
      'TIME_INVALID',
      { opened: '18/11/2026' },
      { opened: '11/18/26' },
      { opened: 'yesterday' },
      { opened: '46344' },
    ),
    ...rejected('TIME_MISSING', { opened: '' }, { opened: ' ' }),
    ...rejected('TIME_FUTURE', { opened: '01/05/2999' }, { opened: '11/20/2962' }),
    ...rejected('TIME_TOO_OLD', { opened: '03/14/1999' }, { opened: '11/20/1926' }),
    ...rejected('IDENTITY_MISSING', { email: '', member: '' }, { email: ' ', member: '' }, { email: '', member: '' }),
    [bad('COLUMN_COUNT', 'APP-2026-790001,000123456,Cut,Short,cut.short@example.com')],
    [bad('COLUMN_COUNT', `${record(row({ deposit: '100.00' }))},one,more`)],
    [bad('COLUMN_COUNT', `${record(row({ deposit: '2500' }))},`)],
    [bad('COLUMN_COUNT', 'END OF PAGE 3')],
  ];

  const twice = row({
    email: 'pat.double@example.com',
    deposit: '1,250.00',
    phone: '(212) 555-0143',
    channel: 'Branch',
  });
  const far = row({ email: 'far.apart@example.org', deposit: '75.00' });
  // Written differently, the same once it is mapped.
  const sameAsTwice = {
    ...twice,
    email: 'PAT.Double@example.com ',
    deposit: '$1250',
    phone: '+1 212 555 0143',
    channel: 'BRANCH',
  };
  const rightAfter = row({ id: 'APP-2026-720001' });
  const afterReject = row({ id: 'APP-2026-720002' });
  const close = row({ id: 'APP-2026-710001', deposit: '500.00' });
  const three = row({ id: 'APP-2026-710002', email: 'three.times@example.com' });
  const settled = row({ id: SETTLED_ID, deposit: '1000.00' });

  const oddities: Entry[][] = [
    [good(record(row({ id: '007', last: 'Bond "the" Agent' })))],
    [good(record(row({ id: '7' })))],
    [good(record(row({ id: '0000000123' })))],
    [good(record(row({ id: '9007199254740993' })))],
    [good(record(row({ id: '9007199254740992' })))],
    [good(record(row({ id: '1E5' })))],
    [good(record(row({ id: 'app-2026-000101' })))],
    [good(record(row({ id: 'A'.repeat(38) })))],
    [good(record(row({ id: '🏦'.repeat(38) })))],
    [good(record(row({ id: ' APP-2026-730001 ' })))],
    [good(record(row({ first: 'Anna\nLena', last: 'two "lines", quoted' })))],
    [good(record(row({ last: 'Smith', branch: 'NY-001\n\nblank line inside' })))],
    [good(record(row({ first: '李', last: '小龍' })))],
    [good(record(row({ first: 'مريم', last: 'الحسن' })))],
    [good(record(row({ first: '😀'.repeat(38), last: 'Emoji' })))],
    [good(record(row({ first: '=HYPERLINK("http://example.com")', last: '@formula' })))],
    [good(record(row({ first: '<script>alert(1)</script>', last: 'Markup' })))],
    [good(record(row({ email: 'kontakt@bücher.example' })))],
    [good(record(row({ email: '' })))],
    [good(record(row({ member: '' })))],
    [good(record(row({ deposit: '0' })))],
    [good(record(row({ deposit: '1,000,000.00' })))],
    [good(record(row({ branch: '' })))],
    [BLANK],
    [BLANK, BLANK],
    [good(record(twice)), duplicate(record(twice))],
    [good(record(rightAfter)), duplicate(record(rightAfter)), duplicate(record(rightAfter))],
    [bad('EMAIL_INVALID', record({ ...afterReject, email: 'broken' })), good(record(afterReject))],
    [conflict(record(close)), conflict(record({ ...close, deposit: '5000.00' }))],
  ];

  const placed = [
    ...spread(mixed(rejects, oddities)),
    { at: 0.01, entries: [good(record(far))] },
    { at: 0.99, entries: [duplicate(record(far))] },
    { at: 0.97, entries: [duplicate(record(sameAsTwice))] },
    { at: 0.05, entries: [conflict(record(three))] },
    { at: 0.5, entries: [conflict(record(three))] },
    { at: 0.95, entries: [conflict(record({ ...three, email: 'somebody.else@example.com' }))] },
    { at: 0.21, entries: [conflict(record(settled))] },
    { at: 0.22, entries: [conflict(record({ ...settled, deposit: '10000.00' }))] },
  ];
  const entries = interleave(
    ordinary.map((each) => good(record(each))),
    placed,
  );
  return sampleFile({ name: 'account-openings-20261120.csv', eol: '\n', bom: true, header: HEADER }, entries);
}

/** The next day's cumulative file: what is known, what is new, what was changed, what was put right. */
export function nextDayFile(): SampleFile {
  const random = seeded(20261121);
  const known = ordinaryOpenings().slice(900, 1_040);
  const changed = ordinaryOpenings().slice(1_050, 1_052);
  const news = Array.from({ length: 55 }, (_, index) => opening(random, 2_001 + index));
  const corrected = { ...opening(random, 2_101), id: CORRECTED_ID };
  const settled = { ...opening(random, 2_102), id: SETTLED_ID };
  const twiceNew = opening(random, 2_103);
  const knownAndNew = [
    ...known.map((each): Entry => ({ text: record(each), outcome: 'duplicate', code: 'DUPLICATE' })),
    ...news.map((each) => good(record(each))),
  ];
  const placed = spread([
    [good(record(corrected))],
    ...changed.map((each): Entry[] => [
      {
        text: record({ ...each, email: 'moved.house@example.org', deposit: '42.42' }),
        outcome: 'conflict',
        code: 'CONFLICT',
      },
    ]),
    [bad('KEY_MISSING', record({ ...opening(random, 2_104), id: '' }))],
    [good(record(twiceNew)), duplicate(record(twiceNew))],
    [good(record(settled))],
    [bad('TIME_INVALID', record({ ...opening(random, 2_105), opened: '11/21/26' }))],
  ]);
  return sampleFile(
    { name: 'account-openings-20261121.csv', eol: '\n', header: HEADER },
    interleave(knownAndNew, placed),
  );
}

/** Cut off in the middle of its last record, as an upload that broke. */
export function truncatedFile(): SampleFile {
  const random = seeded(20261119);
  const rows = Array.from({ length: 40 }, (_, index) => record(opening(random, 3_001 + index)));
  const last = 'APP-2026-003141,000123456,Maria,"O\'Neil, J';
  return {
    name: 'account-openings-20261119-truncated.csv',
    text: `${[HEADER, ...rows, last].join('\n')}`,
    gzip: false,
    expected: `line,outcome,code,lines\n${rows.length + 2},refused,QUOTE_NOT_CLOSED,1\n`,
  };
}

/** Takes in turns from both, so that neither kind sits in one part of the file. */
function mixed<T>(a: readonly T[], b: readonly T[]): T[] {
  const both: { at: number; item: T }[] = [
    ...a.map((item, index) => ({ at: (index + 0.5) / a.length, item })),
    ...b.map((item, index) => ({ at: (index + 0.5) / b.length, item })),
  ];
  return both.sort((x, y) => x.at - y.at).map(({ item }) => item);
}
