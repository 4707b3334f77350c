import { person } from './people.ts';
import { groupedAmount, padded, plainAmount, type Random, seeded } from './random.ts';
import {
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

const HEADER = 'order_number,customer_no,email,shipped_at,order_total,carrier,items,gift';

interface Shipment {
  order: string;
  customer: string;
  email: string;
  shipped: string;
  cents: number;
  carrier: string;
  items: string;
  gift: string;
}

function record(s: Shipment): string {
  const total = s.cents % 3 === 0 ? plainAmount(s.cents) : groupedAmount(s.cents);
  return csv([s.order, s.customer, s.email, s.shipped, total, s.carrier, s.items, s.gift]);
}

/** Order numbers have 18 digits and follow each other: read as numbers, neighbours would be the same one. */
const FIRST_ORDER = 100_000_000_000_000_000n;

function shipment(random: Random, index: number): Shipment {
  const time = `${padded(random.whole(0, 23), 2)}:${padded(random.whole(0, 59), 2)}:${padded(random.whole(0, 59), 2)}`;
  const date = random.pick(['2026-11-17', '2026-11-18', '2026-11-19', '2026-11-19']);
  return {
    order: String(FIRST_ORDER + BigInt(index)),
    customer: `C-${padded(index, 5)}`,
    email: random.chance(0.1) ? '' : person(random, index).email,
    shipped: `${date}T${time}${random.pick(['-05:00', '-05:00', 'Z', '-0500', '-08:00', '+05:30'])}`,
    cents: random.whole(599, 250_000),
    carrier: random.pick(['UPS', 'FDX', 'USPS', 'DHL', 'UPS', 'ONTRAC', '']),
    items: random.chance(0.05) ? '' : String(random.whole(1, 12)),
    gift: random.pick(['N', 'N', 'N', 'Y', '']),
  };
}

/** Gzipped, with a last record that counts the rows and sums the totals. Every total is an amount, or the sum would prove nothing. */
export function shipmentsFile(): SampleFile {
  const random = seeded(9001);
  const used: Shipment[] = [];
  const text = (each: Shipment): string => {
    used.push(each);
    return record(each);
  };
  const ordinary = Array.from({ length: 1_870 }, (_, index) => good(text(shipment(random, index + 1))));

  let serial = 50_000;
  const row = (changes: Partial<Shipment> = {}): Shipment => {
    serial += 1;
    return { ...shipment(random, serial), ...changes };
  };
  const rejected = (code: string, ...changes: Partial<Shipment>[]): Entry[][] =>
    changes.map((change) => [bad(code, text(row(change)))]);
  const times = (count: number, change: Partial<Shipment>): Partial<Shipment>[] =>
    Array.from({ length: count }, () => change);

  const rejects = [
    ...rejected('KEY_SCIENTIFIC', { order: '1.23E+17' }, { order: '1.00000000000000E+17' }, { order: '1E+17' }),
    ...rejected('KEY_MISSING', ...times(12, { order: '' })),
    ...rejected('KEY_TOO_LONG', { order: '9'.repeat(39) }, { order: '1'.repeat(64) }),
    ...rejected('KEY_PLACEHOLDER', { order: 'undefined' }, { order: '#N/A' }),
    ...rejected(
      'TIME_INVALID',
      { shipped: '2026-11-18T14:03:22' },
      { shipped: '2026-11-18' },
      { shipped: '11/18/2026 14:03' },
    ),
    ...rejected(
      'TIME_INVALID',
      { shipped: '2026-02-30T10:00:00Z' },
      { shipped: '2026-11-18T25:00:00Z' },
      { shipped: '1795128067' },
    ),
    ...rejected('TIME_INVALID', ...times(14, { shipped: '2026-11-19T08:00:00 EST' })),
    ...rejected('TIME_MISSING', ...times(5, { shipped: '' })),
    ...rejected('TIME_FUTURE', { shipped: '2999-01-05T00:00:00Z' }, { shipped: '2999-12-31T23:59:59-05:00' }),
    ...rejected('TIME_TOO_OLD', { shipped: '1999-11-18T14:03:22Z' }, { shipped: '1970-01-01T00:00:00Z' }),
    ...rejected(
      'EMAIL_INVALID',
      { email: 'see invoice' },
      { email: 'jane.roe@example,com' },
      { email: 'jane.roe.example.com' },
    ),
    ...rejected('EMAIL_INVALID', ...times(18, { email: 'guest' })),
    ...rejected('EMAIL_TOO_LONG', { email: `${'z'.repeat(246)}@example.com` }),
    ...rejected('PARTNER_USER_ID_TOO_LONG', { customer: `C-${'0'.repeat(37)}` }),
    ...rejected('IDENTITY_MISSING', ...times(16, { customer: '', email: '' })),
    ...rejected('INTEGER_INVALID', { items: 'x' }, { items: '1.5' }, { items: 'two' }, { items: '3 pcs' }),
    ...rejected('VALUE_NOT_MAPPED', { gift: 'yes' }, { gift: 'y' }, { gift: '1' }, ...times(9, { gift: 'TRUE' })),
  ];

  const near = row({ carrier: 'UPS' });
  const far = row();
  const torn = row({ cents: 5_000 });
  const pair = (first: Shipment, second: Shipment, make: (text: string) => Entry): Entry[] => [
    make(text(first)),
    make(text(second)),
  ];
  const special = [
    [good(text(near)), duplicate(text(near))],
    // The job compares e-mail, customer, total and time only: another carrier is no conflict.
    [near].map((each) => duplicate(text({ ...each, carrier: 'DHL', items: '9', gift: 'Y' }))),
    pair(torn, { ...torn, cents: 5_001 }, conflict),
    [good(text(row({ email: '', gift: 'Y' })))],
    [good(text(row({ customer: '', email: 'guest.checkout@example.org' })))],
    [good(text(row({ cents: 0 })))],
    [good(text(row({ cents: 123_456_789 })))],
    [good(text(row({ order: '000000000000000001' })))],
    [good(text(row({ order: '1' })))],
    [good(text(row({ order: 'SO-2026/11-18 #4' })))],
    [good(text(row({ items: '0' })))],
    [good(text(row({ shipped: '2026-11-18T14:03:22.123456Z' })))],
    [good(text(row({ carrier: 'Smith, Sons "& Co"' })))],
    [good(text(row({ carrier: 'line one\nline two' })))],
  ];
  const placed = [
    ...spread(rejects),
    ...spread(special),
    { at: 0.002, entries: [good(text(far))] },
    { at: 0.998, entries: [duplicate(text(far))] },
  ];
  const entries = interleave(ordinary, placed);
  const cents = used.reduce((sum, each) => sum + each.cents, 0);
  const trailer = csv(['TRAILER', String(entries.length), plainAmount(cents), '', '', '', '', '']);
  return sampleFile(
    { name: 'order-shipments-20261120.csv.gz', eol: '\n', header: HEADER, trailer, gzip: true },
    entries,
  );
}
