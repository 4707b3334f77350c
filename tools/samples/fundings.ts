import { ordinaryOpenings } from './openings.ts';
import { padded, plainAmount, seeded } from './random.ts';
import {
  BLANK,
  bad,
  conflict,
  duplicate,
  type Entry,
  good,
  interleave,
  type SampleFile,
  sampleFile,
  spread,
} from './sample.ts';

const HEADER = 'application_id|member_id|email|funded_at|amount|currency|account_type';

interface Funding {
  id: string;
  member: string;
  email: string;
  funded: string;
  amount: string;
  currency: string;
  type: string;
}

function record(f: Funding): string {
  return [f.id, f.member, f.email, f.funded, f.amount, f.currency, f.type].join('|');
}

/** First deposits of accounts that the openings file has: the same ids, under another event name. */
export function fundingsFile(): SampleFile {
  const random = seeded(8001);
  const moment = () =>
    `2026-11-${random.pick(['18', '19', '19', '20'])} ${padded(random.whole(6, 9), 2)}:${padded(random.whole(0, 59), 2)}:${padded(random.whole(0, 59), 2)}`;
  const types: Readonly<Record<string, string>> = {
    CHK: 'checking',
    SAV: 'savings',
    MMA: 'money market',
    CD: 'Certificate',
  };
  const ordinary = ordinaryOpenings()
    .slice(0, 735)
    .map((opening): Funding => {
      const cents = random.whole(1_000, 2_500_000);
      return {
        id: opening.id,
        member: opening.member,
        email: opening.email,
        funded: moment(),
        amount: random.pick([plainAmount(cents), String(Math.floor(cents / 100)), `${Math.floor(cents / 100)}.5`]),
        currency: random.pick(['USD', 'USD', 'USD', 'USD', 'CAD', 'EUR', '']),
        type: types[opening.product] ?? '',
      };
    });

  let serial = 600_000;
  const row = (changes: Partial<Funding> = {}): Funding => {
    serial += 1;
    const email = `saver${serial}@example.com`;
    const rest = { funded: moment(), amount: '250.00', currency: 'USD', type: 'savings' };
    return { id: `APP-2026-${serial}`, member: padded(serial, 9), email, ...rest, ...changes };
  };
  const rejected = (code: string, ...changes: Partial<Funding>[]): Entry[][] =>
    changes.map((change) => [bad(code, record(row(change)))]);

  const rejects = [
    ...rejected(
      'TIME_GAP',
      { funded: '2026-03-08 02:30:00' },
      { funded: '2026-03-08 02:00:00' },
      { funded: '2025-03-09 02:59:59' },
    ),
    ...rejected(
      'MONEY_INVALID',
      { amount: '1,250.00' },
      { amount: '1.250,00' },
      { amount: '$250.00' },
      { amount: '-250.00' },
    ),
    ...rejected(
      'MONEY_INVALID',
      { amount: '12.345' },
      { amount: 'n.a.x' },
      { amount: '1e3' },
      { amount: '250.00 USD' },
    ),
    ...rejected(
      'MONEY_INVALID',
      { currency: 'GBP' },
      { currency: 'XXX' },
      { currency: 'US Dollar' },
      { currency: 'JPY' },
    ),
    ...rejected('FIELD_REQUIRED', { amount: '' }, { amount: '  ' }, { amount: '' }, { amount: '' }),
    ...rejected('KEY_MISSING', { id: '' }, { id: '' }, { id: ' ' }),
    ...rejected('KEY_SCIENTIFIC', { id: '1.23E+14' }, { id: '2E+11' }),
    ...rejected('KEY_TOO_LONG', { id: 'X'.repeat(39) }),
    ...rejected('KEY_PLACEHOLDER', { id: 'NULL' }, { id: 'n/a' }),
    ...rejected('EMAIL_INVALID', { email: 'saver at example.com' }, { email: 'a@b@example.com' }, { email: 'saver@' }),
    ...rejected('IDENTITY_MISSING', { email: '', member: '' }, { email: '', member: '' }),
    ...rejected('PARTNER_USER_ID_PLACEHOLDER', { member: 'N/A' }),
    ...rejected('PARTNER_USER_ID_TOO_LONG', { member: '0'.repeat(39) }),
    ...rejected(
      'TIME_INVALID',
      { funded: '2026-02-30 10:00:00' },
      { funded: '2026-11-19T14:05:33' },
      { funded: '11/19/2026 14:05:33' },
    ),
    ...rejected(
      'TIME_INVALID',
      { funded: '2026-11-19 24:00:00' },
      { funded: '2026-11-19 14:05' },
      { funded: '2026-11-19' },
    ),
    ...rejected('TIME_INVALID', { funded: '2026-11-19 14:60:00' }, { funded: '2025-02-29 08:00:00' }),
    ...rejected('TIME_MISSING', { funded: '' }),
    ...rejected('TIME_FUTURE', { funded: '2999-01-05 12:00:00' }),
    ...rejected('TIME_TOO_OLD', { funded: '1999-12-31 23:59:59' }),
    [bad('COLUMN_COUNT', 'APP-2026-690001|000690001|short@example.com')],
    [bad('COLUMN_COUNT', `${record(row())}|surplus`)],
    [bad('COLUMN_COUNT', record(row({ email: 'pipe|inside@example.com' })))],
  ];

  const near = row();
  const far = row({ amount: '1250.00' });
  const torn = row({ amount: '10.00' });
  const both = row({ id: 'APP-2026-610001', amount: '75.00', currency: '' });
  const known = [
    [good(record(near)), duplicate(record(near))],
    [conflict(record(torn)), conflict(record({ ...torn, amount: '10.01' }))],
    // No currency means US dollars, and an amount without decimals is the same amount.
    [good(record(both)), duplicate(record({ ...both, amount: '75', currency: 'USD' }))],
    [good(record(row({ funded: '2026-11-01 01:30:00' })))],
    [good(record(row({ funded: '2026-03-08 03:00:00' })))],
    [good(record(row({ funded: '2024-02-29 08:00:00' })))],
    [good(record(row({ amount: '0' })))],
    [good(record(row({ amount: '0.01', currency: 'EUR' })))],
    [good(record(row({ amount: '1000000.00' })))],
    [good(record(row({ email: "o'brien+funding@example.com" })))],
    [good(record(row({ type: 'Checking, joint' })))],
    [good(record(row({ id: '000000042' })))],
    [good(record(row({ id: '18446744073709551617' })))],
    [BLANK],
  ];
  const placed = [
    ...spread(rejects),
    ...spread(known),
    { at: 0.005, entries: [good(record(far))] },
    { at: 0.995, entries: [duplicate(record({ ...far, email: far.email.toUpperCase() }))] },
  ];
  const entries = interleave(
    ordinary.map((each) => good(record(each))),
    placed,
  );
  return sampleFile({ name: 'account-fundings-20261120.psv', eol: '\r\n', header: HEADER }, entries);
}
