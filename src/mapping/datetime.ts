/** Wall-clock time as a text states it, checked against the calendar. */
export interface Wall {
  /** Milliseconds since 1970 that this wall-clock time would be in UTC. */
  ms: number;
  /** Offset from UTC in minutes where the text states one. */
  offset: number | undefined;
  /** Whether the text states a time of day. */
  timed: boolean;
}

/** Formats with a name instead of a pattern. */
export const NAMED_FORMATS = ['iso', 'epoch-s', 'epoch-ms', 'excel-serial'] as const;

const TOKENS = /yyyy|yy|MMM|MM|M|dd|d|HH|H|hh|h|mm|m|ss|s|S{1,9}|a|X{1,3}|ZZ?|'(?:[^']|'')*'|[\s\S]/g;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

type Part = 'year' | 'month' | 'day' | 'hour' | 'hour12' | 'minute' | 'second' | 'fraction' | 'half' | 'offset';

/** Groups of a pattern, and whether they say all of a date. Throws a plain sentence on a pattern that cannot work. */
function compilePattern(format: string): { pattern: RegExp; parts: Part[] } {
  const parts: Part[] = [];
  let source = '';
  const take = (part: Part, text: string) => {
    if (parts.includes(part)) throw new Error(`"${format}" states the ${part} twice`);
    parts.push(part);
    source += text;
  };
  for (const [token] of format.matchAll(TOKENS)) {
    if (token === 'yyyy') take('year', '(\\d{4})');
    else if (token === 'yy') take('year', '(\\d{2})');
    else if (token === 'MMM') take('month', `(${MONTHS.join('|')})`);
    else if (token === 'MM') take('month', '(\\d{2})');
    else if (token === 'M') take('month', '(\\d{1,2})');
    else if (token === 'dd') take('day', '(\\d{2})');
    else if (token === 'd') take('day', '(\\d{1,2})');
    else if (token === 'HH') take('hour', '(\\d{2})');
    else if (token === 'H') take('hour', '(\\d{1,2})');
    else if (token === 'hh') take('hour12', '(\\d{2})');
    else if (token === 'h') take('hour12', '(\\d{1,2})');
    else if (token === 'mm') take('minute', '(\\d{2})');
    else if (token === 'm') take('minute', '(\\d{1,2})');
    else if (token === 'ss') take('second', '(\\d{2})');
    else if (token === 's') take('second', '(\\d{1,2})');
    else if (token.startsWith('S')) take('fraction', `(\\d{${token.length}})`);
    else if (token === 'a') take('half', '(am|pm)');
    else if (token.startsWith('X') || token.startsWith('Z')) take('offset', '(z|[+-]\\d{2}(?::?\\d{2})?)');
    else if (token.startsWith("'") && token.length > 1) source += escaped(token.slice(1, -1).replaceAll("''", "'"));
    else if (/[A-SU-Za-z']/.test(token))
      throw new Error(`"${format}" has the unknown letter ${token}; quote text as 'at'`);
    else source += escaped(token);
  }
  for (const part of ['year', 'month', 'day'] as const) {
    if (!parts.includes(part)) throw new Error(`"${format}" does not state the ${part}`);
  }
  if (parts.includes('hour12') !== parts.includes('half')) {
    throw new Error(`"${format}" needs both hh (or h) and a (AM or PM), or HH alone`);
  }
  if (parts.includes('hour') && parts.includes('hour12')) throw new Error(`"${format}" states the hour twice`);
  if (parts.includes('minute') !== (parts.includes('hour') || parts.includes('hour12'))) {
    throw new Error(`"${format}" must state hour and minute, or neither`);
  }
  return { pattern: new RegExp(`^${source}$`, 'i'), parts };
}

/** A strict reader of one format; it answers `undefined` for whatever is not exactly that. Throws on an impossible format. */
export function compileFormat(format: string): (text: string) => Wall | undefined {
  if (format === 'iso') return parseIso;
  if (format === 'epoch-s') return (text) => epoch(text, 1000);
  if (format === 'epoch-ms') return (text) => epoch(text, 1);
  if (format === 'excel-serial') return excelSerial;
  const { pattern, parts } = compilePattern(format);
  const twoDigits = /(^|[^y])yy([^y]|$)/.test(format.replace(/'[^']*'/g, ''));
  const at = (part: Part) => parts.indexOf(part) + 1;
  const index = {
    year: at('year'),
    month: at('month'),
    day: at('day'),
    hour: at('hour'),
    hour12: at('hour12'),
    minute: at('minute'),
    second: at('second'),
    fraction: at('fraction'),
    half: at('half'),
    offset: at('offset'),
  };
  const timed = index.minute > 0;
  return (text) => {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const year = twoDigits ? 2000 + Number(match[index.year]) : Number(match[index.year]);
    const month = monthNumber(match[index.month] ?? '');
    let hour = 0;
    if (index.hour > 0) hour = Number(match[index.hour]);
    if (index.hour12 > 0) {
      const written = Number(match[index.hour12]);
      if (written < 1 || written > 12) return undefined;
      hour = (written % 12) + (match[index.half]?.toLowerCase() === 'pm' ? 12 : 0);
    }
    const minute = timed ? Number(match[index.minute]) : 0;
    const second = index.second > 0 ? Number(match[index.second]) : 0;
    const fraction = index.fraction > 0 ? milliseconds(match[index.fraction] ?? '') : 0;
    const offset = index.offset > 0 ? offsetMinutes(match[index.offset] ?? '') : undefined;
    if (offset === null) return undefined;
    return wall(year, month, Number(match[index.day]), hour, minute, second, fraction, offset, timed);
  };
}

/** Whether texts of this format always say where on Earth they hold. */
export function statesZone(format: string): boolean {
  if (format.startsWith('epoch-')) return true;
  if (format === 'excel-serial' || format === 'iso') return false;
  return compilePattern(format).parts.includes('offset');
}

/** Whether texts of this format may lack the time of day. */
export function mayLackTime(format: string): boolean {
  if (format === 'iso' || format === 'excel-serial') return true;
  if (format.startsWith('epoch-')) return false;
  return !compilePattern(format).parts.includes('minute');
}

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?$/;

function parseIso(text: string): Wall | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const offset = zone === undefined ? undefined : offsetMinutes(zone);
  if (offset === null) return undefined;
  return wall(
    Number(year),
    Number(month),
    Number(day),
    hour === undefined ? 0 : Number(hour),
    minute === undefined ? 0 : Number(minute),
    second === undefined ? 0 : Number(second),
    fraction === undefined ? 0 : milliseconds(fraction),
    offset,
    hour !== undefined,
  );
}

/** Year 9999. */
const LAST_MS = 253_402_300_799_999;

function epoch(text: string, unit: number): Wall | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined;
  const ms = Number(text) * unit;
  return ms > LAST_MS ? undefined : { ms, offset: 0, timed: true };
}

/** Days since 1899-12-30, with the time of day as their fraction. */
function excelSerial(text: string): Wall | undefined {
  if (!/^\d{5}(?:\.\d{1,15})?$/.test(text)) return undefined;
  const seconds = Math.round((Number(text) - 25_569) * 86_400);
  return { ms: seconds * 1000, offset: undefined, timed: text.includes('.') };
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function wall(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
  fraction: number,
  offset: number | undefined,
  timed: boolean,
): Wall | undefined {
  const leap = month === 2 && ((year % 4 === 0 && year % 100 !== 0) || year % 400 === 0);
  const last = leap ? 29 : (DAYS[month - 1] ?? 0);
  if (year < 1000 || day < 1 || day > last || hour > 23 || minute > 59 || second > 59) return undefined;
  return { ms: Date.UTC(year, month - 1, day, hour, minute, second, fraction), offset, timed };
}

function monthNumber(text: string): number {
  return text.length === 3 ? MONTHS.indexOf(text.toLowerCase()) + 1 : Number(text);
}

/** The digits themselves, never rounded: .999999999 belongs to this second. */
function milliseconds(fraction: string): number {
  return Number(fraction.slice(0, 3).padEnd(3, '0'));
}

/** `null` where the text is no offset that exists on Earth. */
function offsetMinutes(text: string): number | null {
  if (text === 'Z' || text === 'z') return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = text.length > 3 ? Number(text.slice(-2)) : 0;
  if (hours > 14 || minutes > 59) return null;
  return (text.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}
