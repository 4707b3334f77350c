import { person } from './people.ts';
import { padded, seeded } from './random.ts';
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

const DAYS = ['20261120', '20261121'] as const;

const vip = (n: number): string => `M-${padded(n, 6)}`;
/** Braze is to know no other numbers of members than up to this one. */
const KNOWN = 1000;

/** Who is a VIP customer, whole, on two days: 400, then 30 of them fewer and 24 others more. The last record counts the rows. */
export function vipFiles(): SampleFile[] {
  const random = seeded(20261120);
  const ordinary = Array.from({ length: 430 }, (_, i) => ({
    id: vip(100 + i * 2),
    tier: random.pick(['gold', 'platinum']),
  }));
  const rowOf = ({ id, tier }: { id: string; tier: string }): Entry => good(`${id},${tier}`);
  const twice = `${vip(7)},gold`;
  const strangers: Entry[][] = [
    [bad('MEMBER_UNKNOWN', `${vip(KNOWN + 1)},gold`)],
    [bad('MEMBER_UNKNOWN', `${vip(KNOWN + 2)},gold`)],
  ];
  const wrong: Entry[][] = [
    [bad('KEY_MISSING', ',gold')],
    [bad('KEY_MISSING', '  ,platinum')],
    [bad('KEY_PLACEHOLDER', 'N/A,gold')],
    [bad('KEY_SCIENTIFIC', '1.0E+05,gold')],
    [bad('KEY_TOO_LONG', `${'7'.repeat(501)},gold`)],
    [bad('COLUMN_COUNT', vip(9))],
  ];
  const members = [ordinary.slice(0, 400), [...ordinary.slice(30, 400), ...ordinary.slice(406)]];
  return members.map((today, day) => {
    const placed = spread([
      ...strangers,
      ...(day === 0 ? wrong : wrong.slice(0, 2)),
      [good(twice), duplicate(twice)],
      [good(`${vip(8)},gold`), duplicate(`${vip(8)},platinum`)],
      [BLANK],
    ]);
    const entries = interleave(today.map(rowOf), placed);
    const rows = entries.filter(({ text }) => text !== '').length;
    const shape = {
      name: `vip-${DAYS[day]}.csv`,
      eol: '\n',
      header: 'member_id,tier',
      trailer: `TRL,${rows}`,
    } as const;
    return sampleFile(shape, entries);
  });
}

/** Who came to two audiences and who left them, on two days. */
export function audienceFiles(): SampleFile[] {
  const random = seeded(20261119);
  const people = Array.from({ length: 1_140 }, (_, i) => person(random, 20_000 + i).email);
  const segmentOf = (email: string): string => (people.indexOf(email) % 2 === 0 ? 'newsletter' : 'lapsed');
  const change = (action: string, email: string, segment = segmentOf(email)): string => `${email}|${segment}|${action}`;
  const [stays, comes] = [people.slice(0, 1000), people.slice(1000)];
  const changes = [
    stays.map((email) => good(change('add', email))),
    [
      ...comes.map((email) => good(change('add', email))),
      ...stays.slice(0, 90).map((email) => good(change('remove', email))),
    ],
  ];
  const both = 'both.ways@example.com';
  const one = 'one.of.both@example.org';
  return changes.map((ordinary, day) => {
    const placed: Entry[][] = [
      [bad('KEY_MISSING', change('add', '', 'lapsed'))],
      [bad('EMAIL_INVALID', change('add', 'not-an-address', 'lapsed'))],
      [bad('ACTION_UNKNOWN', change('pause', 'ana.diaz@example.com', 'lapsed'))],
      [bad('SEGMENT_NOT_ALLOWED', change('add', 'ana.diaz@example.com', 'winback'))],
      [conflict(change('add', both, 'lapsed')), conflict(change('remove', both, 'lapsed'))],
      // One person in both audiences is two rows, and the same row twice is one.
      [
        good(change('Add', one, 'lapsed')),
        good(change('+', one, 'newsletter')),
        duplicate(change('add', one, 'newsletter')),
      ],
    ];
    const entries = interleave(ordinary, spread(day === 0 ? placed : placed.slice(0, 3)));
    const shape = {
      name: `audiences-${DAYS[day]}.psv`,
      eol: '\r\n',
      header: 'email|segment|action',
      trailer: `TRL|${entries.length}`,
    } as const;
    return sampleFile(shape, entries);
  });
}
