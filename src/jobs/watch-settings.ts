import * as z from 'zod';
import { duration } from '../mapping/duration.ts';

const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const DAYS_SHAPE = 'days are all, a range such as mon-fri, or a list such as [mon, wed, fri]';

/** Numbers of weekdays, Sunday being 0, ascending; `undefined` where the text names none. */
export function readWeekdays(written: readonly string[]): number[] | undefined {
  const named = new Set<number>();
  for (const piece of written.flatMap((text) => text.toLowerCase().split(',')).map((text) => text.trim())) {
    if (piece === 'all') for (let day = 0; day < 7; day++) named.add(day);
    else {
      const [from = -1, to = from, ...more] = piece.split('-').map((name) => WEEKDAYS.indexOf(name.trim()));
      if (from < 0 || to < 0 || more.length > 0) return undefined;
      // sat-mon goes over the end of the week.
      for (let day = from; ; day = (day + 1) % 7) {
        named.add(day);
        if (day === to) break;
      }
    }
  }
  return [...named].sort((a, b) => a - b);
}

/** Weekdays as people write them; their numbers once read, Sunday being 0. */
const weekdays = z.union([z.string(), z.array(z.string()).min(1)]).transform((written, context) => {
  const days = readWeekdays([written].flat());
  if (days !== undefined) return days;
  context.addIssue({ code: 'custom', message: DAYS_SHAPE, continue: false });
  return z.NEVER;
});

/** A time of day as `07:00`; minutes since midnight once read. */
const timeOfDay = z.string().transform((written, context) => {
  const [, hour = '', minute = ''] = /^(\d{1,2}):(\d{2})$/.exec(written.trim()) ?? [];
  const minutes = Number(hour) * 60 + Number(minute);
  if (hour !== '' && Number(hour) <= 23 && Number(minute) <= 59) return minutes;
  const message = 'a time of day has hours and minutes in quotes, such as "07:00"';
  context.addIssue({ code: 'custom', message, continue: false });
  return z.NEVER;
});

/** When the morning report is made. */
export const morningSettings = z
  .union([
    timeOfDay.transform((at) => ({ at, days: [0, 1, 2, 3, 4, 5, 6] })),
    z.strictObject({
      at: timeOfDay.describe("The time of day, on the clock of the job's zone."),
      days: weekdays.prefault('all').describe(`The days on which it is made: ${DAYS_SHAPE}. Default all.`),
    }),
  ])
  .describe(
    'When the daemon publishes the morning report into the reports folder: "06:30", or { at: "06:30", days: mon-fri }. It shows the day before and the weeks up to it. Without it, referry report makes one by hand.',
  );

/** When a file has to be there, and how large it usually is. */
export const expectSettings = z
  .strictObject({
    by: timeOfDay.describe("The time of day, in the job's zone, by which the day's file has to be there."),
    from: timeOfDay.optional().describe('A file that comes before this time of day is told as early.'),
    days: weekdays.prefault('all').describe(`The days on which a file is expected: ${DAYS_SHAPE}. Default all.`),
    holidays: z
      .string()
      .min(1)
      .optional()
      .describe(
        'A file of days on which none is expected: one ISO date a line, # begins a comment. A relative path starts at the folder of the job file.',
      ),
    minRows: z.int().min(0).optional().describe('A file with fewer rows is told as too small.'),
    maxRows: z.int().min(1).optional().describe('A file with more rows is told as too large.'),
  })
  .superRefine((expect, context) => {
    if (expect.from !== undefined && expect.from >= expect.by)
      context.addIssue({ code: 'custom', path: ['from'], message: 'from has to be earlier in the day than by' });
    if (expect.minRows !== undefined && expect.maxRows !== undefined && expect.minRows > expect.maxRows)
      context.addIssue({ code: 'custom', path: ['minRows'], message: 'minRows is more than maxRows' });
  })
  .describe('When a file is expected. A late, missing, early, too small or too large one is told; nothing is stopped.');

/** From when on people are told. */
export const watchSettings = z
  .strictObject({
    rejects: z
      .number()
      .min(0, 'a share from 0 to 1 is needed, such as 0.1 for a tenth')
      .max(1, 'a share from 0 to 1 is needed, such as 0.1 for a tenth')
      .default(0.1)
      .describe('Tell of a file of which more than this share of the rows is rejected. Default 0.1, a tenth.'),
    waiting: duration
      .prefault('24h')
      .describe('Tell of a file whose rows are open, failed or held for longer than this. Default 24h.'),
    unreachable: z
      .int()
      .min(1)
      .max(1000)
      .default(3)
      .describe('Tell of a source that so many runs in a row could not reach. Default 3.'),
  })
  .prefault({})
  .describe('From when on people are told, through `notify`.');

export type ExpectSettings = z.output<typeof expectSettings>;
export type MorningSettings = z.output<typeof morningSettings>;
