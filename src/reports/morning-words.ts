import { afterConcerns, afterImbalances } from './after-rows.ts';
import type { DayLine, ExpectedLine, MorningAccount, WaitingLine } from './morning.ts';
import { plural } from './words.ts';

/** What the morning report says first. */
export interface MorningVerdict {
  balanced: boolean;
  headline: string;
  summary: string;
  imbalances: string[];
  /** What a person has to look at, one line each. */
  yours: string[];
}

/** Waiting that nobody but a person ends. */
const FOR_A_PERSON: ReadonlySet<string> = new Set(['rows held', 'rows in conflict', 'files held', 'files refused']);

export const needsPerson = ({ what, count }: WaitingLine): boolean => count > 0 && FOR_A_PERSON.has(what);

export function morningVerdict(account: MorningAccount): MorningVerdict {
  const lines = [...account.days, ...(account.since ? [account.since] : [])];
  const imbalances = [
    ...lines.flatMap((day) => day.imbalances.map((imbalance) => `${day.day}: ${imbalance}`)),
    ...afterImbalances(account),
  ];
  const first = imbalances[0];
  const yours = [
    ...account.waiting
      .filter(needsPerson)
      .map((waiting) => `${waitingWords(waiting)}, the oldest for ${ageWords(waiting, account.madeAt)}`),
    ...account.expected.filter((each) => each.solvedAt === null).map(expectedWords),
    ...afterConcerns(account)
      .filter((concern) => concern.for === 'you')
      .map(({ title }) => title),
  ];
  const last = account.days.at(-1);
  return {
    balanced: first === undefined,
    headline: first === undefined ? 'Balanced' : `DOES NOT BALANCE: ${first}`,
    summary: first === undefined ? summaryOf(last, yours.length) : BROKEN,
    imbalances,
    yours,
  };
}

const BROKEN =
  'Keep the input, the results files and the ledger as they are, and do not send the file again before the difference is explained.';

function summaryOf(last: DayLine | undefined, yours: number): string {
  const came =
    last === undefined || last.seen.files === 0
      ? 'No file came.'
      : `${plural(last.seen.files, 'file')} with ${plural(last.counts.read, 'row')} came, and every row is accounted for.`;
  if (yours === 0) return `${came} Nothing needs you.`;
  return `${came} ${plural(yours, 'thing needs', 'things need')} a person.`;
}

/** `1 file refused`, `12 rows in conflict`. */
export function waitingWords({ what, count }: WaitingLine): string {
  const [noun = '', ...rest] = what.split(' ');
  return `${plural(count, noun.replace(/s$/, ''))} ${rest.join(' ')}`;
}

export function ageWords({ oldest }: WaitingLine, now: string): string {
  if (oldest === null) return '-';
  const minutes = Math.max(0, Math.round((Date.parse(now) - Date.parse(oldest)) / 60_000));
  if (minutes < 120) return plural(minutes, 'minute');
  if (minutes < 48 * 60) return plural(Math.round(minutes / 60), 'hour');
  return plural(Math.round(minutes / 1440), 'day');
}

const STATES: Readonly<Record<string, string>> = {
  late: 'the file is late',
  missing: 'no file came',
  early: 'a file came too early',
  'too-small': 'a file has fewer rows than expected',
  'too-large': 'a file has more rows than expected',
  'sequence-gap': 'a number is missing between the files',
};

export function expectedWords({ day, state, subject }: Pick<ExpectedLine, 'day' | 'state' | 'subject'>): string {
  const file = subject === '' ? '' : state === 'sequence-gap' ? `: ${subject}` : ` (p${subject})`;
  return `${day}: ${STATES[state] ?? state}${file}`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `Fri`; empty where the text is no day. */
export function weekdayOf(day: string): string {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(ms) ? '' : (WEEKDAYS[new Date(ms).getUTCDay()] ?? '');
}
