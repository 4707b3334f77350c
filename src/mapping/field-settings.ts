import * as z from 'zod';
import type { Fault } from './coerce.ts';
import { compileFormat, mayLackTime, NAMED_FORMATS, statesZone } from './datetime.ts';
import { compileField } from './field.ts';
import { isCurrency } from './money.ts';
import { isTimeZone } from './zone.ts';

/** The name of a column as the file's header has it; for JSON the path, `customer.email`. */
export const columnName = z.string().trim().min(1, 'a column name may not be empty');

/** Texts of a job file; YAML reads `yes`-like words and numbers as something else, so those are taken back to text. */
const literal = z.union([z.string(), z.boolean(), z.number()]).transform(String);

export const timeZone = z.string().refine(isTimeZone, {
  error: (issue) => `found "${issue.input}"; an IANA time zone is needed, such as America/New_York`,
});

/** One date format or several that are tried in turn. */
export const dateFormat = z
  .union([z.string(), z.array(z.string()).min(1)])
  .superRefine((formats, context) => {
    for (const format of [formats].flat()) {
      try {
        compileFormat(format);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const known = `tokens: yyyy MM dd HH mm ss SSS hh a MMM X; or one of ${NAMED_FORMATS.join(', ')}`;
        context.addIssue({ code: 'custom', message: `${why}; ${known}`, continue: false });
      }
    }
  })
  .transform((formats) => [formats].flat());

const policy = z.enum(['refuse', 'earlier', 'later']);
export const gap = policy
  .default('refuse')
  .describe(
    'A local time that daylight saving leaves out: refuse the row, or move it `later` or `earlier` by the gap. Default refuse.',
  );
export const overlap = policy
  .default('refuse')
  .describe(
    'A local time that comes twice when clocks go back: refuse the row, or take the `earlier` or `later` one. Default refuse.',
  );

/** Complains where neither the formats nor the settings say where on Earth a time holds. */
export function missingZone(formats: readonly string[], zone: string | undefined): string | undefined {
  if (zone !== undefined) return undefined;
  const without = formats.find((format) => format !== 'iso' && !statesZone(format));
  if (without === undefined) return undefined;
  return `the format "${without}" has no zone, so timezone must say where it holds, such as America/New_York`;
}

const currency = z.string().refine(isCurrency, {
  error: (issue) => `found "${issue.input}"; a currency code is needed, such as USD`,
});

const fieldObject = z
  .strictObject({
    from: columnName.optional().describe('The column whose value is sent.'),
    const: literal.optional().describe('The same text for every row.'),
    template: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Text with columns in braces: "{first_name} {last_name}". Without a value if one of its columns has none.',
      ),
    empty: z.array(literal).optional().describe('Texts that count as no value, such as ["N/A", "null"].'),
    trim: z.boolean().default(true).describe('Cut blanks off both ends. Default true.'),
    lower: z.boolean().default(false).describe('Lower-case the value, before `map` is looked up. Default false.'),
    map: z
      .record(z.string(), literal)
      .optional()
      .describe('What each value becomes; a row with another value is rejected. "*" stands for every other value.'),
    type: z
      .enum(['text', 'date', 'money', 'email', 'phone', 'integer'])
      .optional()
      .describe('What the value must be. Default text, and email for a field called email.'),
    default: literal.optional().describe('Sent where the row has no value.'),
    required: z.boolean().default(false).describe('Reject the row where there is no value. Default false.'),
    controlChars: z
      .enum(['reject', 'strip'])
      .default('reject')
      .describe('Control characters in the value: reject the row, or strip them. Default reject.'),
    format: dateFormat
      .optional()
      .describe('For type date: how it is written, one format or a list tried in turn. Default iso.'),
    timezone: timeZone.optional().describe('For type date with a time of day: the IANA zone it is written in.'),
    gap: policy.optional().describe('For type date: as in event.time. Default refuse.'),
    overlap: policy.optional().describe('For type date: as in event.time. Default refuse.'),
    locale: z
      .enum(['plain', 'en', 'de', 'fr', 'ch'])
      .optional()
      .describe(
        "For type money: how amounts are written. plain 1234.50, en 1,234.50, de 1.234,50, fr 1 234,50, ch 1'234.50. Default plain.",
      ),
    currency: z
      .union([
        currency,
        z.strictObject({
          from: columnName.describe('The column that holds the currency code.'),
          default: currency.optional().describe('Where the row has none.'),
          allowed: z
            .array(currency)
            .min(1)
            .optional()
            .describe('The codes that are accepted. Default: every known one.'),
        }),
      ])
      .optional()
      .describe('For type money: the currency code, such as USD, or { from: column }. Required.'),
    negative: z
      .boolean()
      .optional()
      .describe('For type money and integer: whether amounts below zero are accepted. Default false.'),
    callingCode: z
      .string()
      .regex(/^[1-9]\d{0,2}$/, 'a calling code is 1 to 3 digits in quotes, such as "1" or "44"')
      .optional()
      .describe(
        'For type phone: the country calling code of numbers written without one, such as "1". Without it, numbers need a +.',
      ),
  })
  .superRefine((field, context) => {
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const sources = (['from', 'const', 'template'] as const).filter((name) => field[name] !== undefined);
    if (sources.length !== 1) {
      const found = sources.length === 0 ? 'none of them' : sources.join(' and ');
      complain(sources[1] ?? 'from', `one of from, const and template is needed; found ${found}`);
    }
    const owners = {
      money: ['locale', 'currency'],
      date: ['format', 'timezone', 'gap', 'overlap'],
      phone: ['callingCode'],
    } as const;
    for (const [type, names] of Object.entries(owners)) {
      for (const name of names) {
        if (field[name] !== undefined && field.type !== type) complain(name, `${name} needs type: ${type}`);
      }
    }
    if (field.type === 'money' && field.currency === undefined) {
      complain('currency', 'type: money needs a currency, such as USD, or { from: column }');
    }
    const formats = field.format ?? ['iso'];
    const zoneless = formats.find((format) => !mayLackTime(format));
    const problem = zoneless === undefined ? undefined : missingZone([zoneless], field.timezone);
    if (field.type === 'date' && problem !== undefined) complain('timezone', problem);
    if (context.issues.length > 0) return;
    for (const name of ['const', 'default'] as const) {
      const text = field[name];
      const fault = text === undefined || text === '' ? undefined : faultOf(text, field);
      if (fault === undefined) continue;
      const rule = fault.reason.slice(fault.reason.indexOf('; ') + 2);
      complain(name, `the ${name} "${text}" is not of type ${field.type}: ${rule}`);
    }
  });

/** What is wrong with a text of the job file as a value of its own field. */
function faultOf(text: string, field: FieldSettings): Fault | undefined {
  if (field.type === undefined) return undefined;
  const { type, locale, negative, callingCode, format, timezone, gap, overlap, trim, lower, controlChars } = field;
  const currency =
    typeof field.currency === 'object'
      ? (field.currency.default ?? field.currency.allowed?.[0] ?? 'USD')
      : field.currency;
  const plain = {
    const: text,
    type,
    locale,
    negative,
    callingCode,
    format,
    timezone,
    gap,
    overlap,
    currency,
    trim,
    lower,
    controlChars,
    required: false,
  };
  const fault: Fault = { code: '', reason: '' };
  compileField('value', plain, (name) => ({ name, index: -1 })).read([], fault);
  return fault.code === '' ? undefined : fault;
}

/** A data field: the short form is the name of its column. */
export const fieldSettings = z
  .union([columnName.describe('The column whose value is sent.'), fieldObject])
  .transform((field) => (typeof field === 'string' ? fieldObject.parse({ from: field }) : field));

export type FieldSettings = z.output<typeof fieldObject>;
