/** A schedule, parsed: which minutes, hours and days it names. Sunday is 0. */
export interface Cron {
  /** Ascending. */
  minutes: readonly number[];
  hours: readonly number[];
  days: ReadonlySet<number>;
  months: ReadonlySet<number>;
  weekdays: ReadonlySet<number>;
  /** Both day fields are restricted, so that a day which matches one of them is enough, as in crontab(5). */
  eitherDay: boolean;
}

interface Field {
  name: string;
  least: number;
  most: number;
  names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const MINUTE: Field = { name: 'minute', least: 0, most: 59 };
const HOUR: Field = { name: 'hour', least: 0, most: 23 };
const DAY: Field = { name: 'day of month', least: 1, most: 31 };
const MONTH: Field = { name: 'month', least: 1, most: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', least: 0, most: 7, names: WEEKDAYS };

const SHAPE = 'minute, hour, day of month, month, day of week, such as "*/15 6-22 * * 1-5"';
const LONGEST_MONTH = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const PIECE = /^(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:\/(\d+))?$/;

/** A schedule that cannot be read. The message names the field, what was found and what is allowed; `rule` only the last. */
export class CronError extends Error {
  readonly field: string;
  readonly rule: string;
  constructor(field: string, found: string, rule: string) {
    super(`${field}: found ${found}, ${rule}`);
    this.name = 'CronError';
    this.field = field;
    this.rule = rule;
  }
}

/** Reads a cron expression of five fields. Throws `CronError`. */
export function parseCron(expression: string): Cron {
  const fields = expression.trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (
    fields.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined
  ) {
    const found = expression.trim() === '' ? 'nothing' : `${fields.length} (${JSON.stringify(expression)})`;
    throw new CronError('schedule', found, `five fields are needed: ${SHAPE}`);
  }
  const cron: Cron = {
    minutes: parseField(MINUTE, minute),
    hours: parseField(HOUR, hour),
    days: new Set(parseField(DAY, day)),
    months: new Set(parseField(MONTH, month)),
    weekdays: new Set(parseField(WEEKDAY, weekday).map((n) => n % 7)),
    eitherDay: !day.startsWith('*') && !weekday.startsWith('*'),
  };
  refuseImpossible(cron, day, month);
  return cron;
}

/** The numbers that a field names, ascending. */
function parseField(field: Field, text: string): number[] {
  const numbers = new Set<number>();
  for (const piece of text.split(',')) for (const n of parsePiece(field, piece, text)) numbers.add(n);
  return [...numbers].sort((a, b) => a - b);
}

/** `*`, `5`, `MON`, `1-5`, and each but a single value with `/step`. */
function parsePiece(field: Field, piece: string, text: string): number[] {
  const match = PIECE.exec(piece);
  if (!match) throw refuse(field, piece === '' ? 'an empty place in a list' : `"${piece}"`, text);
  const [, first = '', last, stepText] = match;
  const step = stepText === undefined ? 1 : Number(stepText);
  if (first === '*' && last !== undefined) throw refuse(field, `"${piece}"`, text);
  if (stepText !== undefined && first !== '*' && last === undefined) {
    const range = `${first}-${field.most}/${stepText}`;
    throw new CronError(
      field.name,
      `"${piece}"`,
      `a step needs * or a range before it: write ${range} or */${stepText}`,
    );
  }
  const width = field.most - field.least + 1;
  if (step < 1 || step > width) throw new CronError(field.name, `the step "/${stepText}"`, `allowed are 1 to ${width}`);
  const from = first === '*' ? field.least : value(field, first, text);
  let to = first === '*' ? starEnd(field) : last === undefined ? from : value(field, last, text);
  // SAT-SUN reads forwards: Sunday is 7 at the end of a range.
  if (field === WEEKDAY && to === 0 && from > 0) to = 7;
  if (to < from) {
    const both = `${from}-${starEnd(field)},${field.least}-${to}`;
    throw new CronError(field.name, `"${piece}"`, `a range that goes backwards: write ${both}`);
  }
  const numbers: number[] = [];
  for (let n = from; n <= to; n += step) numbers.push(n);
  return numbers;
}

/** `*` means each weekday once, although 0 and 7 are both Sunday. */
const starEnd = (field: Field): number => (field === WEEKDAY ? 6 : field.most);

function value(field: Field, text: string, whole: string): number {
  if (/^\d{1,4}$/.test(text)) {
    const n = Number(text);
    if (n >= field.least && n <= field.most) return n;
  } else if (field.names) {
    const at = field.names.indexOf(text.toUpperCase());
    if (at >= 0) return at + (field === MONTH ? 1 : 0);
  }
  throw refuse(field, `"${text}"`, whole);
}

function refuse(field: Field, found: string, whole: string): CronError {
  const names = field.names ? ` or ${field.names[0]} to ${field.names.at(-1)}` : '';
  const where = found === `"${whole}"` ? '' : ` in "${whole}"`;
  return new CronError(
    field.name,
    `${found}${where}`,
    `allowed are ${field.least} to ${field.most}${names}, *, ranges (1-5), steps (*/2) and lists (1,3)`,
  );
}

/** 30 February never comes, and a job that never runs is a mistake. */
function refuseImpossible(cron: Cron, day: string, month: string): void {
  for (const m of cron.months) for (const d of cron.days) if (d <= (LONGEST_MONTH[m] ?? 0)) return;
  throw new CronError('day of month', `day ${day} of month ${month}`, 'a date that never comes');
}
