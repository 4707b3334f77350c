import { person } from './people.ts';
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

interface Quote {
  quote_id: unknown;
  submitted_at: unknown;
  customer: unknown;
  product: unknown;
  premium: unknown;
  state: unknown;
  effective_on: unknown;
  campaign: unknown;
}

/** Quotes as a web site writes them: nested, in two notations of time, with nulls. */
export function quotesFile(): SampleFile {
  const random = seeded(6001);
  const quote = (index: number, changes: Partial<Quote> = {}): Quote => {
    const { first, last, email, phone } = person(random, index);
    const ms = Date.UTC(
      2026,
      10,
      random.whole(18, 20),
      random.whole(0, 8),
      random.whole(0, 59),
      random.whole(0, 59),
      random.whole(0, 999),
    );
    const amount = plainAmount(random.whole(9_900, 420_000));
    return {
      quote_id: `Q-${padded(random.whole(0, 65_535), 5)}-${padded(index, 4)}`,
      submitted_at: random.pick([new Date(ms).toISOString(), new Date(ms).toISOString(), ms, String(ms)]),
      customer: {
        id: random.chance(0.2) ? null : String(4_000 + index),
        email,
        name: { first, last },
        phone: random.chance(0.5) ? `+1 ${phone.slice(0, 3)} ${phone.slice(3, 6)} ${phone.slice(6)}` : null,
      },
      product: random.pick(['AUTO', 'AUTO', 'HOME', 'LIFE', 'PET']),
      premium: random.chance(0.1) ? null : { amount: random.chance(0.5) ? amount : Number(amount), currency: 'USD' },
      state: random.pick(['CA', 'NY', 'TX', 'WA', null]),
      effective_on: random.pick(['2026-12-01', '2027-01-01', null]),
      campaign: null,
      ...changes,
    };
  };
  const text = (each: Quote) => JSON.stringify(each);
  const ordinary = Array.from({ length: 258 }, (_, index) => good(text(quote(index + 1))));

  let serial = 5_000;
  const row = (changes: Partial<Quote> = {}): Quote => {
    serial += 1;
    return quote(serial, changes);
  };
  const who = (changes: object) => ({
    ...{ id: '77', email: 'lee.wong@example.com', name: { first: 'Lee', last: 'Wong' }, phone: null },
    ...changes,
  });
  const rejected = (code: string, ...changes: Partial<Quote>[]): Entry[][] =>
    changes.map((change) => [bad(code, text(row(change)))]);

  const rejects = [
    ...rejected('KEY_MISSING', { quote_id: null }, { quote_id: '' }),
    ...rejected('KEY_TOO_LONG', { quote_id: `Q-${'7'.repeat(37)}` }),
    ...rejected('KEY_PLACEHOLDER', { quote_id: 'undefined' }),
    ...rejected('TIME_INVALID', { submitted_at: '2026-11-19 22:41:07' }, { submitted_at: '2026-02-30T00:00:00Z' }),
    ...rejected('TIME_MISSING', { submitted_at: null }),
    ...rejected('TIME_FUTURE', { submitted_at: Date.UTC(2999, 0, 5) }),
    ...rejected('TIME_TOO_OLD', { submitted_at: '1999-12-31T23:59:59.999Z' }),
    ...rejected('EMAIL_INVALID', { customer: who({ email: 'lee.wong@' }) }),
    ...rejected('NAME_TOO_LONG', { customer: who({ name: { first: 'Lee', last: 'W'.repeat(39) } }) }),
    ...rejected('PHONE_INVALID', { customer: who({ phone: '415 555 0101' }) }, { customer: who({ phone: '+1 23' }) }),
    ...rejected('CONTROL_CHARS', { customer: who({ name: { first: 'L\u0007e', last: 'Wong' } }) }),
    ...rejected('VALUE_NOT_MAPPED', { product: 'BOAT' }, { product: 'Auto' }),
    ...rejected('FIELD_REQUIRED', { product: null }),
    ...rejected(
      'MONEY_INVALID',
      { premium: { amount: '742,10', currency: 'USD' } },
      { premium: { amount: '$742.10', currency: 'USD' } },
    ),
    ...rejected('DATE_INVALID', { effective_on: '12/01/2026' }, { effective_on: '2026-11-31' }),
    ...rejected('IDENTITY_MISSING', { customer: null }, { customer: who({ id: null, email: null }) }),
    [bad('JSON_INVALID', '{"quote_id": "Q-CUT-0001", "submitted_at": "2026-11-19T2')],
    [bad('JSON_INVALID', `{'quote_id': 'Q-APOSTROPHES-0001'}`)],
    [bad('JSON_INVALID', `${text(row())},`)],
    [
      bad(
        'JSON_DUPLICATE_KEY',
        '{"quote_id":"Q-TWICE-0001","quote_id":"Q-TWICE-0002","submitted_at":"2026-11-19T22:41:07Z"}',
      ),
    ],
    [bad('JSON_NOT_OBJECT', '["Q-ARRAY-0001","2026-11-19T22:41:07Z"]')],
  ];

  const near = row();
  const far = row({ premium: { amount: '742.10', currency: 'USD' } });
  const torn = row({ premium: { amount: 100, currency: 'USD' } });
  // The same instant, written as a text and as a number.
  const instant = row({ submitted_at: '2026-11-19T22:41:07.250Z' });
  const special = [
    [good(text(near)), duplicate(text(near))],
    [
      good(text(instant)),
      duplicate(text({ ...instant, submitted_at: Date.UTC(2026, 10, 19, 22, 41, 7, 250), campaign: 'late' })),
    ],
    [conflict(text(torn)), conflict(text({ ...torn, premium: { amount: 101, currency: 'USD' } }))],
    [good(text(row({ quote_id: '9007199254740993' })))],
    // A number that JSON readers round to the id above it.
    [good(text(row({ quote_id: 0 })).replace('"quote_id":0', '"quote_id":9007199254740995'))],
    [good(text(row({ customer: who({ email: 'Lee.Wong@Example.com', name: { first: 'Lé', last: '"Wong"' } }) })))],
    [good(text(row({ customer: who({ id: '0042', email: null }) })))],
    [good(text(row({ customer: who({ id: null, phone: '+44 20 7946 0958' }) })))],
    [good(`  ${text(row({ state: null }))}  `)],
    [good(JSON.stringify(row(), null, 1).replaceAll('\n', ' '))],
    [BLANK],
    [BLANK],
  ];
  const placed = [
    ...spread(rejects),
    ...spread(special),
    { at: 0.004, entries: [good(text(far))] },
    { at: 0.996, entries: [duplicate(text(far))] },
  ];
  return sampleFile({ name: 'quote-submissions-20261120.jsonl', eol: '\n' }, interleave(ordinary, placed));
}
