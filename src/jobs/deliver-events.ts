import * as z from 'zod';
import { deliverySettings } from '../delivery/settings.ts';
import { duration, formatDuration } from '../mapping/duration.ts';
import { eventSettings } from '../mapping/settings.ts';
import { fileSettings } from '../parsing/settings.ts';
import { resolveFolders } from './folders.ts';
import { extoleDestination } from './lanes.ts';
import { jobFields, source, stagedDays, upkeepFields } from './parts.ts';

const { $schema, id, ...more } = jobFields;
const { report, ...upkeep } = upkeepFields;

/** A job that sends rows of files as events. Once parsed, folders are relative to the folder that holds the inbox. */
export const deliverEvents = z
  .strictObject({
    $schema,
    id,
    pipeline: z.literal('deliver-events').describe('What the job does. deliver-events sends rows of files as events.'),
    ...more,
    source,
    file: fileSettings,
    event: eventSettings,
    destination: z.strictObject({ extole: extoleDestination }).describe('Where the events go.'),
    delivery: deliverySettings,
    onConflict: z
      .enum(['refuse', 'first-wins'])
      .default('refuse')
      .describe(
        'Rows of one file with the same key and different content: refuse sends none of them until a person picks one, first-wins sends the first. Default refuse.',
      ),
    report,
    ...upkeep,
    retention: z
      .strictObject({
        days: stagedDays,
        keys: duration
          .prefault('400d')
          .describe('How long keys are remembered. Must be longer than event.maxAge. Default 400d.'),
      })
      .prefault({})
      .describe('How long things are kept.'),
  })
  .superRefine((job, context) => {
    if (job.retention.keys <= job.event.maxAge) {
      context.addIssue({
        code: 'custom',
        path: ['retention', 'keys'],
        message: `retention.keys is ${formatDuration(job.retention.keys)} and event.maxAge is ${formatDuration(job.event.maxAge)}; keys must be remembered longer than rows are accepted, or a row could be delivered twice`,
      });
    }
    if (Object.hasOwn(job.event.data, 'container')) {
      const message = 'the container is set by destination.extole.container';
      context.addIssue({ code: 'custom', path: ['event', 'data', 'container'], message });
    }
  })
  .transform(resolveFolders);
