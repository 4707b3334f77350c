import { Temporal } from 'temporal-polyfill';
import type { ExportKind } from './row.ts';

/** Salesforce names these; Windows refuses the same. */
const FORBIDDEN = /[\\/:*<>|?"]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to find
const CONTROL = /[\u0000-\u001f\u007f]/;
const PLACE = /\{([^{}]*)\}/g;

const PLACES = ['yyyy', 'MM', 'dd', 'HH', 'mm', 'ss', 'kind'] as const;
type Place = (typeof PLACES)[number];

/** What is wrong with a pattern for file names; `undefined` where it can be used. */
export function fileNameProblem(pattern: string, ending: string): string | undefined {
  const forbidden = FORBIDDEN.exec(pattern)?.[0];
  if (forbidden !== undefined) return `found ${forbidden} in it; a file name may not have any of \\ / : * < > | ? "`;
  if (CONTROL.test(pattern)) return 'found a control character in it';
  if (pattern !== pattern.trim() || pattern.startsWith('.'))
    return 'a file name may not begin with a dot or a space, nor end with a space';
  if (!pattern.endsWith(ending) || pattern === ending) return `expected a name that ends with ${ending}`;
  for (const [, name = ''] of pattern.matchAll(PLACE))
    if (!isPlace(name)) return `found {${name}}; known are ${PLACES.map((place) => `{${place}}`).join(' ')}`;
  return /[{}]/.test(pattern.replaceAll(PLACE, '')) ? 'found a brace without its other one' : undefined;
}

/**
 * The name of a file made at `at` (milliseconds since 1970), with the date and time of day in the zone. `part` counts from 1: the files after the first
 * are `name.part2.csv`.
 */
export function fileNameAt(pattern: string, zone: string, at: number, kind: ExportKind, part: number): string {
  const wall = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  const two = (value: number): string => String(value).padStart(2, '0');
  const values: Record<Place, string> = {
    yyyy: String(wall.year).padStart(4, '0'),
    MM: two(wall.month),
    dd: two(wall.day),
    HH: two(wall.hour),
    mm: two(wall.minute),
    ss: two(wall.second),
    kind,
  };
  const name = pattern.replaceAll(PLACE, (written, place: string) => (isPlace(place) ? values[place] : written));
  if (part === 1) return name;
  const dot = name.lastIndexOf('.');
  return `${name.slice(0, dot)}.part${part}${name.slice(dot)}`;
}

/** Whether this runtime knows the zone, by its IANA name. */
export function isTimeZone(zone: string): boolean {
  try {
    return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone).timeZoneId.length > 0;
  } catch {
    return false;
  }
}

function isPlace(name: string): name is Place {
  return PLACES.some((place) => place === name);
}
