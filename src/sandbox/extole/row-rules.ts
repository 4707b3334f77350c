import { checkEvent, type SubmittedEvent } from './events.ts';

/** What Extole makes of a row. */
export type RowVerdict = { ok: true; event: SubmittedEvent } | { ok: false; code: string; message: string };

export interface RowRules {
  /** The event's name where the row carries none; `undefined`: a row must carry its own. */
  defaultName: string | undefined;
  /** The event's name, whatever the row says. */
  forcedName?: string | undefined;
  /** Columns one of which must hold something. */
  oneOf: readonly string[];
  /** Columns that all must hold something. */
  needs?: readonly string[];
  blocked: ReadonlySet<string>;
  /** ISO 8601: the time of an event whose row has none. */
  now: string;
  /** Data that every event gets. */
  extra?: Readonly<Record<string, string>>;
}

const NAME = 'event_name';

/** A row to an event, by the rules that hold for single events, and those for rows. Blank values are no values. */
export function judgeRow(columns: readonly string[], values: readonly string[], rules: RowRules): RowVerdict {
  const data: Record<string, string> = {};
  columns.forEach((column, i) => {
    const value = values[i] ?? '';
    if (value.trim() !== '') data[column] = value;
  });
  const own = data[NAME];
  delete data[NAME];
  // With the column there and nothing in it, the row is wrong; the file's name only stands in for the column.
  const name = rules.forcedName ?? own ?? (columns.includes(NAME) ? undefined : rules.defaultName);
  if (name === undefined) return { ok: false, code: 'missing_event_name', message: 'Event name is required.' };
  if (!rules.oneOf.some((column) => data[column] !== undefined)) {
    return { ok: false, code: 'missing_identity', message: `Missing required value: ${rules.oneOf.join(' or ')}` };
  }
  const missing = rules.needs?.find((column) => data[column] === undefined);
  if (missing !== undefined) return { ok: false, code: 'missing_value', message: `Missing required value: ${missing}` };
  const { event_time, ...rest } = data;
  const event = checkEvent(name, event_time ?? rules.now, { ...rest, ...rules.extra }, rules.blocked);
  return 'status' in event ? refusal(String(event.body)) : { ok: true, event };
}

function refusal(body: string): RowVerdict {
  const { code, message, parameters }: { code: string; message: string; parameters: Record<string, string> } =
    JSON.parse(body);
  return { ok: false, code, message: parameters.reason ?? message };
}
