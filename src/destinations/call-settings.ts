import { z } from 'zod';
import { duration } from '../delivery/settings.ts';

const positive = duration.refine((ms) => ms > 0, 'expected more than zero');

/** How any provider is called; part of the settings of each. Durations are milliseconds once parsed. */
export const callSettings = {
  timeout: z
    .strictObject({
      headers: positive.prefault('30s').describe('How long to wait for the first line and headers of an answer.'),
      total: positive.prefault('60s').describe('How long a call may take in all, waiting for a connection included.'),
    })
    .prefault({})
    .describe('A call that runs out of time may have been carried out. It is made again, which does no harm.'),
  patience: duration
    .prefault('10m')
    .describe(
      'How long to go on where nothing but 429, errors of the server or broken connections come back. Then the rows are failed, and the next run takes them up.',
    ),
  backoff: z
    .strictObject({
      first: positive.prefault('1s').describe('The longest wait before the second try; it doubles with each try.'),
      cap: positive.prefault('30s').describe('The longest wait between two tries, unless the provider asks for more.'),
    })
    .refine(({ first, cap }) => first <= cap, 'first must not be more than cap')
    .prefault({})
    .describe('Waits between tries are drawn at random between zero and the bound.'),
  connections: z.int().min(1).max(128).default(8).describe('The most calls at the same time.'),
  ca: z
    .string()
    .optional()
    .describe(
      'Certificates (PEM) of the authorities to trust instead of the well-known ones, for a proxy that inspects TLS; by reference to a file.',
    ),
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('Let the URL lead into a private network, as where a proxy of yours stands for the provider.'),
};

const whole = z.object(callSettings);

export type CallSettings = z.output<typeof whole>;
