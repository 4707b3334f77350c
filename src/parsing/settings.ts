import { z } from 'zod';
import type { PgpKeys } from './pgp-keys.ts';
import { pgpSettings } from './pgp-settings.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };
const SIZE = /^\s*(\d+(?:\.\d+)?)\s*(|B|KB|MB|GB)\s*$/i;

/** Bytes of `262144`, `256KB`, `1.5 MB` or `4GB` (1 KB is 1024 bytes); NaN where it is not a size. */
function bytesOf(value: number | string): number {
  if (typeof value === 'number') return value;
  const match = SIZE.exec(value);
  if (!match) return Number.NaN;
  return Math.floor(Number(match[1]) * (UNITS[(match[2] ?? '').toUpperCase()] ?? Number.NaN));
}

export function size(byDefault: string, description: string) {
  return z
    .union([z.number().int().positive(), z.string().regex(SIZE, 'a size like 262144, "256KB", "1MB" or "4GB"')])
    .default(byDefault)
    .transform(bytesOf)
    .describe(`${description} Bytes, or a size such as "256KB", "1MB", "4GB".`);
}

/** One character that can stand between two fields without being mistaken for something else. */
const separator = z
  .string()
  .regex(
    /^[^"\\\r\nA-Za-z0-9]$/,
    'one character that is no letter, digit, quote, backslash or line end; "\\t" is a tab',
  )
  .refine((text) => text.charCodeAt(0) < 128, 'an ASCII character');

const position = z.number().int().min(1);

const header = z
  .strictObject({
    mode: z
      .enum(['exact-set', 'ordered', 'subset'])
      .default('subset')
      .describe(
        'What the header must hold. subset: at least the columns the job uses. exact-set: exactly the declared columns, in any order. ordered: exactly those, in that order.',
      ),
    onDrift: z
      .enum(['fail', 'warn'])
      .default('fail')
      .describe(
        'What happens where the header differs: fail refuses the file, warn reads it and says so in the report.',
      ),
    columns: z
      .array(z.string().trim().min(1))
      .min(1)
      .optional()
      .describe(
        'The declared columns for exact-set and ordered; without it, those the job uses. Case and surrounding space make no difference.',
      ),
  })
  .prefault({})
  .describe("The contract on the file's column names.");

const trailer = z
  .strictObject({
    startsWith: z
      .string()
      .trim()
      .min(1)
      .describe('The first field of the trailer record, as "TRL". It must be the last record of the file.'),
    delimiter: separator.optional().describe("What separates the trailer's fields, where it differs from the file's."),
    count: position.optional().describe('The position of the row count in the trailer; its first field is position 1.'),
    countIncludes: z
      .enum(['rows', 'rows+header', 'rows+trailer', 'all'])
      .default('rows')
      .describe('What the sender counts: rows only, or the header or the trailer record (or both: all) as well.'),
    sums: z
      .record(z.string().trim().min(1), position)
      .default({})
      .describe(
        'Control totals: the column, and the position of its sum in the trailer. Compared exactly, as decimals.',
      ),
    decimal: z
      .enum(['.', ','])
      .default('.')
      .describe(
        'The decimal mark in the summed columns and their totals; the other one is read as a thousands separator.',
      ),
  })
  .optional()
  .describe(
    'The control record at the end of the file. Without it, a file cut off between two rows cannot be told from a whole one.',
  );

const sequence = z
  .strictObject({
    from: z
      .enum(['name', 'trailer'])
      .default('name')
      .describe("Where a file's number stands: in its name, or in its trailer."),
    pattern: z
      .string()
      .refine((text) => groupsOf(text) === 1, 'a regular expression with one group in parentheses, around the number')
      .optional()
      .describe('With from: name, a regular expression with one group around the number: "openings-(\\d+)".'),
    position: position
      .optional()
      .describe('With from: trailer, the position of the number in the trailer; its first field is position 1.'),
    start: z
      .int()
      .min(0)
      .optional()
      .describe('The first number there is. Without it, numbers count from the first file that is seen.'),
    step: z.int().min(1).default(1).describe('By how much the number grows from file to file.'),
    onGap: z
      .enum(['notice', 'hold'])
      .default('notice')
      .describe(
        'What becomes of a file when numbers before it are missing: it is processed and a notice names them, or it is held.',
      ),
  })
  .superRefine((settings, context) => {
    const needed = settings.from === 'name' ? 'pattern' : 'position';
    const other = settings.from === 'name' ? 'position' : 'pattern';
    const complain = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (settings[needed] === undefined) complain(needed, `from: ${settings.from} needs ${needed}`);
    if (settings[other] !== undefined) complain(other, `from: ${settings.from} has no ${other}`);
  })
  .optional()
  .describe('Files carry a running number: a gap is named, and a number that comes twice with other contents is held.');

/** How many groups a regular expression has; NaN where it is none. */
function groupsOf(pattern: string): number {
  try {
    return (new RegExp(`${pattern}|`).exec('')?.length ?? 0) - 1;
  } catch {
    return Number.NaN;
  }
}

const limits = z
  .strictObject({
    field: size('256KB', 'The longest field; a row with a longer one is rejected.'),
    record: size('1MB', 'The longest record; a file with a longer one is refused.'),
    columns: z.number().int().positive().default(512).describe('The most columns a file may have.'),
    ratio: z
      .number()
      .positive()
      .default(200)
      .describe('The most a compressed file may grow, as a multiple of its size.'),
    decompressed: size('4GB', 'The most a compressed file may hold.'),
  })
  .prefault({})
  .describe('Limits that protect the daemon from broken or hostile files.');

/** The `file:` block of a job: how its files are read. */
export const fileSettings = z
  .strictObject({
    format: z
      .enum(['auto', 'csv', 'psv', 'tsv', 'json', 'jsonl'])
      .default('auto')
      .describe(
        'How rows are written. auto: by the name (.csv .psv .tsv .json .jsonl, before .gz), else by the contents. json is an array of objects, jsonl one object a line.',
      ),
    delimiter: separator
      .optional()
      .describe(
        'What separates fields, where it is not the one of the format: "," for csv, "|" for psv, a tab for tsv.',
      ),
    dialect: z
      .enum(['rfc4180', 'extole', 'excel'])
      .default('rfc4180')
      .describe(
        'How quotes are written. rfc4180: a quote inside quotes is doubled. extole: it is escaped with a backslash, and spaces after a delimiter are not part of the value. excel: as rfc4180, and fields written as ="00123" are read, as they stand (see event.key.unwrapExcel).',
      ),
    charset: z
      .enum(['auto', 'utf-8', 'utf-16le', 'utf-16be', 'windows-1252'])
      .default('auto')
      .describe('The character encoding. auto: UTF-8, or UTF-16 where the file starts with its byte order mark.'),
    header,
    trailer,
    pgp: pgpSettings,
    sequence,
    limits,
    empty: z
      .enum(['process', 'refuse'])
      .default('process')
      .describe('What happens to a file without rows: process reports zero rows, refuse refuses it.'),
    maxRejected: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        'The file is held, and nothing sent, when more than this share of its rows is rejected. 1 turns it off.',
      ),
    fewerRows: z
      .enum(['notice', 'hold', 'accept'])
      .default('notice')
      .describe(
        'What becomes of a file with less than half the rows that the files before it had (the median of the last twenty, from the sixth file on), as when it was cut off between two rows: notice tells it in the report, hold sends nothing until a person has looked, accept says nothing.',
      ),
    sharedKey: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe(
        'The file is held, and nothing sent, when more than this share of its rows has a key that rows of other people have too, as when a postal code or a date is mapped as the key. 1 turns it off.',
      ),
  })
  .superRefine((file, context) => {
    if (file.sequence?.from !== 'trailer' || file.trailer !== undefined) return;
    const message = 'the number is read from the trailer, and the job declares none (file.trailer)';
    context.addIssue({ code: 'custom', path: ['sequence', 'from'], message });
  })
  .prefault({})
  .describe('How the files are read.');

export type FileSettings = z.output<typeof fileSettings> & {
  /** Of whoever reads: a trailer that disagrees with the rows refuses the file, which is usual, or is told with the summary. */
  disagreement?: 'refuse' | 'tell';
};

/** A file in the staging folder: where it lies and the name it came with. */
export interface StagedFile {
  path: string;
  name: string;
  /** With them the file must be a PGP message; without them it must not be one. */
  keys?: PgpKeys;
}
