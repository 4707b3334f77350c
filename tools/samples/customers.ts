import { ordinaryOpenings } from './openings.ts';
import { type Person, person } from './people.ts';
import { padded, seeded } from './random.ts';
import {
  BLANK,
  bad,
  csv,
  duplicate,
  type Entry,
  good,
  interleave,
  type SampleFile,
  sampleFile,
  spread,
} from './sample.ts';

const HEADER = 'email,member_id,first_name,last_name,referral_no,branch_id';

interface Customer {
  email: string;
  member: string;
  first: string;
  last: string;
  /** Four digits; with the first name it makes the code of the link. */
  referral: string;
  branch: string;
}

function record(c: Customer): string {
  return csv([c.email, c.member, c.first, c.last, c.referral, c.branch]);
}

/** Customers who are to have a share link: some opened an account by the openings' file, most are new to Extole. */
export function customersFile(): SampleFile {
  const random = seeded(20261122);
  let serial = 0;
  const customer = (who: Pick<Person, 'first' | 'last' | 'email' | 'member'>): Customer => {
    serial += 1;
    const { first, last, email, member } = who;
    const branch = `${random.pick(['NY', 'NJ', 'CT', 'MA'])}-${padded(random.whole(1, 60), 3)}`;
    return { email, member, first, last, referral: padded(1000 + serial, 4), branch };
  };
  const row = (changes: Partial<Customer> = {}): Customer => ({
    ...customer(person(random, 5_000 + serial)),
    ...changes,
  });
  const rejected = (code: string, ...changes: Partial<Customer>[]): Entry[][] =>
    changes.map((change) => [bad(code, record(row(change)))]);

  const known = ordinaryOpenings()
    .filter(({ email, member, last }) => member !== '' && email === email.toLowerCase() && !last.includes(','))
    .slice(0, 40)
    .map((who) => good(record(customer(who))));
  const news = Array.from({ length: 150 }, () => good(record(row())));
  const twice = row();
  const shouted = row({ email: 'pat.double@mail.example.com' });
  // Without an e-mail, only who is known to Extole can have a link: these opened an account.
  const byId = (index: number): Customer => {
    const { first, last, member } = ordinaryOpenings().filter((each) => each.member !== '')[index] ?? person(random, 0);
    return customer({ first, last, member, email: '' });
  };
  const idTwice = byId(60);
  const entries: Entry[][] = [
    ...rejected('EMAIL_INVALID', { email: 'not-an-address' }, { email: 'ana@@example.com' }, { email: 'ana diaz' }),
    ...rejected('EMAIL_TOO_LONG', { email: `${'x'.repeat(250)}@example.com` }),
    ...rejected('KEY_TOO_LONG', { member: '7'.repeat(1001) }),
    ...rejected('PERSON_NOT_FOUND', { email: '', member: '000000001' }),
    ...rejected('IDENTITY_MISSING', { email: '', member: '' }, { email: ' ', member: '' }),
    [bad('COLUMN_COUNT', 'cut.short@example.com,000123456')],
    [good(record(byId(61)))],
    [good(record(row({ member: '' })))],
    [good(record(row({ member: '0000000007' })))],
    [good(record(row({ email: 'ana+bank@example.com' })))],
    [good(record(row({ email: `${'long'.repeat(12)}@mail.example.com` })))],
    [good(record(row({ first: 'Zoë', last: 'Peña, Jr.', referral: '0001' })))],
    [good(record(row({ first: 'Łukasz', last: 'two\nlines' })))],
    [good(record(row({ first: '李', last: '小龍', referral: '' })))],
    // The same code twice: the second one gets another.
    [good(record(row({ first: 'Maria', referral: '0042' }))), good(record(row({ first: 'María', referral: '0042' })))],
    [good(record(row({ first: '', referral: '' })))],
    [BLANK],
    [good(record(twice)), duplicate(record(twice))],
    [good(record(idTwice)), duplicate(record({ ...idTwice, branch: 'NJ-001' }))],
  ];
  const placed = [
    ...spread(entries),
    { at: 0.1, entries: [good(record(shouted))] },
    // One person, whatever the capitals and the name.
    { at: 0.9, entries: [duplicate(record({ ...shouted, email: 'PAT.Double@mail.example.com', first: 'Patricia' }))] },
  ];
  return sampleFile(
    { name: 'customers-20261120.csv', eol: '\n', header: HEADER },
    interleave([...known, ...news], placed),
  );
}
