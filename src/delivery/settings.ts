import { z } from 'zod';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;

/** A duration as people write it (`500ms`, `15s`, `2m`, `24h`, `7d`), in milliseconds once parsed. */
export const duration = z
  .string()
  .regex(DURATION, 'expected a number and a unit, such as 500ms, 15s, 2m, 24h or 7d')
  .transform((text): number => {
    for (const unit of ['ms', 's', 'm', 'h', 'd'] as const) {
      const digits = text.slice(0, -unit.length);
      if (text.endsWith(unit) && /^\d+$/.test(digits)) return Number(digits) * UNIT_MS[unit];
    }
    return 0;
  });

/** A duration that is not zero. */
export const positiveDuration = duration.refine((ms) => ms > 0, 'expected more than zero');

/** How long to wait for an answer, with defaults; `of`: what is waited for, as people call it. */
export function timeoutSettings(of: string, by: { headers: string; total: string }, help: string) {
  return z
    .strictObject({
      headers: positiveDuration
        .prefault(by.headers)
        .describe('How long to wait for the first line and headers of an answer.'),
      total: positiveDuration
        .prefault(by.total)
        .describe(`How long ${of} may take in all, waiting for a connection included.`),
    })
    .prefault({})
    .describe(help);
}

/** How long to wait between two tries; `but`: what else is said of the longest wait. */
export function backoffSettings(help: string, but = '') {
  return z
    .strictObject({
      first: positiveDuration
        .prefault('1s')
        .describe('The longest wait before the second try; it doubles with each try.'),
      cap: positiveDuration.prefault('30s').describe(`The longest wait between two tries${but}.`),
    })
    .refine(({ first, cap }) => first <= cap, 'first must not be more than cap')
    .prefault({})
    .describe(help);
}

/** How rows are sent: how many at once, how long to wait, how often to try again. Durations are milliseconds once parsed. */
export const deliverySettings = z
  .strictObject({
    window: z
      .int()
      .min(1)
      .max(10_000)
      .default(256)
      .describe(
        'Rows that are claimed and not yet recorded, whatever their stage. It bounds how many rows can be unknown after a crash.',
      ),
    concurrency: z
      .strictObject({
        start: z.int().min(1).max(1024).default(4).describe('Requests in flight at the start of a run.'),
        max: z.int().min(1).max(1024).default(128).describe('The most requests ever in flight.'),
      })
      .refine(({ start, max }) => start <= max, 'start must not be more than max')
      .prefault({})
      .describe('Requests in flight: rises while the destination keeps up, falls on 429 or when answers become slow.'),
    timeout: timeoutSettings(
      'a request',
      { headers: '15s', total: '30s' },
      'A request that runs out of time after it was written is unknown: it may have been accepted.',
    ),
    maxAttempts: z
      .int()
      .min(1)
      .max(100)
      .default(6)
      .describe('Tries of one row within a run while the destination is otherwise healthy; then the row is failed.'),
    maxAmbiguous: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe(
        'Tries of one row within a run that ended without a clear answer, while others were answered; then the row is held.',
      ),
    outageAfter: positiveDuration
      .prefault('2m')
      .describe(
        'Nothing but failures for this long: the destination is down, the run stops, untouched rows stay open.',
      ),
    backoff: backoffSettings(
      'Waits between tries are drawn at random between zero and the bound, so that rows do not come back together.',
    ),
    unknown: z
      .enum(['auto', 'resend', 'hold'])
      .default('auto')
      .describe(
        'What to do with a row that may or may not have been accepted: send it again under the same key, or hold it for a person. auto sends again only where verify-dedupe has recorded that the destination drops a known key.',
      ),
  })
  .prefault({})
  .describe('How rows are sent.');

export type DeliverySettings = z.output<typeof deliverySettings>;
