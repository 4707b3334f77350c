import * as z from 'zod';
import { duration } from './duration.ts';
import { columnName, dateFormat, fieldSettings, gap, missingZone, overlap, timeZone } from './field-settings.ts';

const keyObject = z.strictObject({
  from: columnName.describe('The column that holds the key.'),
  unwrapExcel: z
    .boolean()
    .default(false)
    .describe(
      'Read a key written as ="00123", as Excel makes it keep zeros, as 00123. Otherwise such a row is rejected.',
    ),
  scientific: z
    .enum(['reject', 'accept'])
    .default('reject')
    .describe('Keys that look like 1.23E+14, which a spreadsheet makes of a long number.'),
  rounded: z
    .enum(['hold', 'accept'])
    .default('hold')
    .describe('A file whose keys of 16 digits and more mostly end in zeros, which a spreadsheet makes of them.'),
  width: z
    .enum(['hold', 'accept'])
    .default('hold')
    .describe(
      'A file whose keys of digits are shorter than those of the files before, as when a spreadsheet cuts leading zeros off.',
    ),
});

const key = z
  .union([columnName, keyObject])
  .transform((written) => (typeof written === 'string' ? keyObject.parse({ from: written }) : written))
  .describe(
    "The column with the partner's own unique id of the fact a row states. Sent as partner_conversion_id; one key is delivered once for each event name. At most 38 characters.",
  );

const timeObject = z
  .strictObject({
    from: columnName.describe('The column that says when it happened.'),
    format: dateFormat
      .prefault('iso')
      .describe(
        'How the time is written, one format or a list tried in turn: iso, epoch-s, epoch-ms, excel-serial, or a pattern such as "MM/dd/yyyy HH:mm". Nothing else is guessed. Default iso.',
      ),
    timezone: timeZone
      .optional()
      .describe('The IANA zone of times written without one. Needed unless the format has an offset.'),
    gap,
    overlap,
    dateOnly: z
      .enum(['end-of-day', 'start-of-day', 'refuse'])
      .default('end-of-day')
      .describe(
        'The time of day of a date without one. Default end-of-day, 23:59:59: an account opened before its link was shared earns nothing, so Extole advises the end of the day.',
      ),
  })
  .superRefine((time, context) => {
    const problem = missingZone(time.format, time.timezone);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: ['timezone'], message: problem });
  });

const time = z
  .union([columnName, timeObject])
  .transform((written) => (typeof written === 'string' ? timeObject.parse({ from: written }) : written))
  .describe('When it happened: the column, how it is written, and in which zone.');

const RESERVED = new Map([
  ['partner_conversion_id', 'it always holds the key; name its column as event.key'],
  ['event_name', 'name it as event.name or event.nameFrom'],
  ['event_time', 'name it as event.time'],
  ['__proto__', 'choose another name'],
]);

const fieldName = z
  .string()
  .regex(/^[^\p{Cc}\s](?:[^\p{Cc}]{0,198}[^\p{Cc}\s])?$/u, 'a field name has 1 to 200 characters');

/** The `event:` block of a job: how a row becomes an event. */
export const eventSettings = z
  .strictObject({
    name: z.string().trim().min(1).optional().describe('The name of the event at Extole, for every row.'),
    nameFrom: z
      .enum(['column', 'file'])
      .optional()
      .describe(
        'Where the event name comes from instead: a column, or the file (account_opened-20261120.csv gives account_opened).',
      ),
    nameColumn: columnName.optional().describe('With nameFrom: column, the column that holds it.'),
    allowedNames: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('With nameFrom: the event names that are accepted; a row with another one is rejected. Required then.'),
    names: z
      .record(z.string(), z.string().min(1))
      .optional()
      .describe(
        'With nameFrom: names of the partner and what they are called at Extole, such as { OPEN: account_opened }.',
      ),
    key,
    time,
    data: z
      .record(fieldName, fieldSettings)
      .describe(
        'What is sent: the field at Extole on the left, on the right its column or { from, template, const, map, type, ... }.',
      ),
    passthrough: z
      .union([z.literal(true), z.array(columnName)])
      .optional()
      .describe('More columns to send under their own names: a list, or true for all that are not used otherwise.'),
    orderBy: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Rows with the same value of this field (or column) are sent in file order. Default partner_user_id, else the lower-cased e-mail.',
      ),
    compare: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'Fields that make two rows with the same key the same fact; if one differs it is a conflict. Also event_time and event_name. Default: all of data, listed passthrough columns, event_time and event_name.',
      ),
    maxAge: duration.prefault('365d').describe('Rows older than this are rejected. Default 365d.'),
    maxAhead: duration.prefault('1d').describe('Rows further in the future than this are rejected. Default 1d.'),
    panCheck: z
      .union([z.literal(true), z.array(columnName).min(1)])
      .optional()
      .describe(
        'Columns (true: all but the key) in which something that looks like a card or social security number rejects the row. Default none.',
      ),
  })
  .superRefine((event, context) => {
    const complain = (path: PropertyKey[], message: string) => context.addIssue({ code: 'custom', path, message });
    if ((event.name === undefined) === (event.nameFrom === undefined)) {
      const found = event.name === undefined ? 'neither' : 'both';
      complain([event.name === undefined ? 'name' : 'nameFrom'], `one of name and nameFrom is needed; found ${found}`);
    }
    if (event.nameFrom === 'column' && event.nameColumn === undefined) {
      complain(['nameColumn'], 'nameFrom: column needs nameColumn, the column that holds the event name');
    }
    if (event.nameFrom !== undefined && event.allowedNames === undefined) {
      complain(['allowedNames'], 'nameFrom needs allowedNames, the event names that are accepted');
    }
    for (const name of ['nameColumn', 'allowedNames', 'names'] as const) {
      if (event[name] !== undefined && event.nameFrom === undefined) complain([name], `${name} needs nameFrom`);
    }
    if (event.nameColumn !== undefined && event.nameFrom === 'file') complain(['nameColumn'], 'needs nameFrom: column');
    for (const [alias, name] of Object.entries(event.names ?? {})) {
      if (event.allowedNames === undefined || event.allowedNames.includes(name)) continue;
      complain(['names', alias], `"${name}" is not among allowedNames: ${event.allowedNames.join(', ')}`);
    }
    for (const field of Object.keys(event.data)) {
      const why = RESERVED.get(field);
      if (why !== undefined) complain(['data', field], `${field} may not be set here: ${why}`);
    }
    const passed = Array.isArray(event.passthrough) ? event.passthrough : [];
    if (
      !(Object.hasOwn(event.data, 'email') || Object.hasOwn(event.data, 'partner_user_id')) &&
      event.passthrough !== true
    ) {
      if (!passed.some((column) => column === 'email' || column === 'partner_user_id')) {
        complain(['data'], 'a person is needed: map email or partner_user_id, or both');
      }
    }
    for (const [index, column] of passed.entries()) {
      if (Object.hasOwn(event.data, column)) complain(['passthrough', index], `${column} is a field of data already`);
      else if (RESERVED.has(column))
        complain(['passthrough', index], `${column} cannot be passed through: ${RESERVED.get(column)}`);
    }
    const comparable = new Set([...Object.keys(event.data), ...passed, 'event_time', 'event_name']);
    for (const [index, field] of (event.compare ?? []).entries()) {
      if (comparable.has(field) || event.passthrough === true) continue;
      complain(['compare', index], `"${field}" is not sent; allowed: ${[...comparable].join(', ')}`);
    }
  })
  .describe('How a row becomes an event.');

export type EventSettings = z.output<typeof eventSettings>;

/** Names that the mapping fills by itself; a column of such a name is never passed through. */
export function isReserved(field: string): boolean {
  return RESERVED.has(field);
}
