import { z } from 'zod';
import { duration } from '../../delivery/settings.ts';
import { accountName, authorities, baseUrlLike, headerSecret, pathLike } from '../reach-settings.ts';
import { batchSettings, folderSettings, uploadSettings } from './upload-settings.ts';

const baseUrl = baseUrlLike('https://api.extole.io');

const path = pathLike('/v6/events');

/** How events reach one Extole account. Durations are milliseconds once parsed. */
export const extoleSettings = z
  .strictObject({
    account: accountName.describe(
      'Your name for the Extole account. It is part of who owns a key: do not change it while rows are open.',
    ),
    container: z
      .enum(['production', 'test'])
      .default('production')
      .describe('The Extole container; sent with each event as data.container.'),
    token: headerSecret.describe('A long-lived access token, by reference to the environment or a file.'),
    lane: z
      .enum(['auto', 'events', 'async-events', 'sftp', 'batch', 'folder'])
      .default('auto')
      .describe(
        'events: one by one, paced, with the person it matched. async-events: fast, queued by Extole. auto: events for small files, else async-events. Whole files: sftp puts them into your folder of Extole, batch makes batch jobs of them, folder puts them aside for a person to upload.',
      ),
    autoThreshold: z
      .int()
      .min(0)
      .default(100)
      .describe('With lane auto, files of up to this many rows go by events, larger ones by async-events.'),
    apiVersion: z
      .enum(['v6', 'v5'])
      .default('v6')
      .describe('Version of the events lane: v6 posts to eventsUrl and learns the person, v5 posts to apiUrl.'),
    apiUrl: baseUrl.default('https://api.extole.io').describe('Where persons are read, and v5 events are sent.'),
    eventsUrl: baseUrl.default('https://events.extole.io').describe('Where v6 and async events are sent.'),
    paths: z
      .strictObject({
        eventsV5: path.default('/v5/events').describe('Synchronous events, version 5.'),
        eventsV6: path.default('/v6/events').describe('Synchronous events, version 6.'),
        asyncEvents: path.default('/v6/async-events').describe('Asynchronous events.'),
        persons: path.default('/v5/persons').describe('Search for persons; their steps are below it.'),
      })
      .prefault({})
      .describe('Paths of the API, appended to the URLs.'),
    keyField: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'expected the name of a data field')
      .default('partner_conversion_id')
      .describe(
        "The data field that carries the key: the one that Extole's account marks as UNIQUE_PARTNER_EVENT_KEY.",
      ),
    requestsPerMinute: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(100)
      .describe('Limit of a token for everything but async events. Requests are spaced so that it is never reached.'),
    requestsPerSecondPerPerson: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(10)
      .describe(
        'Limit for one person, on either lane of single events: rows of the same person (event.orderBy) keep their distance, so that it is never reached.',
      ),
    requestIdHeader: z
      .boolean()
      .default(true)
      .describe("Send each attempt's id as X-Request-Id, to find it again in a proxy's log."),
    ca: authorities,
    allowPrivateAddresses: z
      .boolean()
      .default(false)
      .describe(
        'Let apiUrl and eventsUrl lead into a private network (10.0.0.0/8 and the like), as where a proxy of yours stands for Extole. Refused otherwise, whatever DNS says; 127.0.0.1, localhost and [::1] may stand in the URL itself.',
      ),
    verify: z
      .strictObject({
        patience: duration.prefault('5m').describe('How long to wait until the first event shows among the steps.'),
        settle: duration
          .prefault('1m')
          .describe('How long to wait after that, so that a second event that is merely late would have shown.'),
        poll: duration.prefault('5s').describe('Time between two looks.'),
      })
      .prefault({})
      .describe('How verify-dedupe waits.'),
    upload: uploadSettings,
    batch: batchSettings,
    folder: folderSettings.optional(),
  })
  .describe('How events reach one Extole account.');

export type ExtoleSettings = z.output<typeof extoleSettings>;

/**
 * Milliseconds between two rows of one person, from the answer to one to the request for the next, so that the limit is never reached.
 * No round trip takes less than one.
 */
export function personRestMs({
  requestsPerSecondPerPerson,
}: Pick<ExtoleSettings, 'requestsPerSecondPerPerson'>): number {
  return requestsPerSecondPerPerson > 1000 ? 0 : Math.ceil(1000 / requestsPerSecondPerPerson);
}
