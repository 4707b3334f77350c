import { z } from 'zod';
import { backoffSettings, duration, timeoutSettings } from '../delivery/settings.ts';
import { authorities } from './reach-settings.ts';

/** How any provider is called; part of the settings of each. Durations are milliseconds once parsed. */
export const callSettings = {
  timeout: timeoutSettings(
    'a call',
    { headers: '30s', total: '60s' },
    'A call that runs out of time may have been carried out. It is made again, which does no harm.',
  ),
  patience: duration
    .prefault('10m')
    .describe(
      'How long to go on where nothing but 429, errors of the server or broken connections come back. Then the rows are failed, and the next run takes them up.',
    ),
  backoff: backoffSettings(
    'Waits between tries are drawn at random between zero and the bound.',
    ', unless the provider asks for more',
  ),
  connections: z.int().min(1).max(128).default(8).describe('The most calls at the same time.'),
  ca: authorities,
  allowPrivateAddresses: z
    .boolean()
    .default(false)
    .describe('Let the URL lead into a private network, as where a proxy of yours stands for the provider.'),
};

/** Of lists whose provider puts no order on calls that follow each other at once. */
export const quietSetting = (usual: string, provider: string) =>
  duration
    .prefault(usual)
    .describe(
      `How long after a sync of a segment the next one begins, where it changes anything: ${provider} keeps no order among calls that follow each other at once, so that somebody who is added and then removed might stay. Default ${usual}.`,
    );

const whole = z.object(callSettings);

export type CallSettings = z.output<typeof whole>;
