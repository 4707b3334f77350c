import * as z from 'zod';
import { batchSettings, uploadSettings } from '../destinations/extole/upload-settings.ts';
import { duration } from '../mapping/duration.ts';
import { sftpLane } from './lanes.ts';

const positive = duration.refine((ms) => ms > 0, 'expected more than zero');

/** `links.bulk` of a job: links are not made one by one, but by Extole out of a file of events. Durations are milliseconds once parsed. */
export const bulkSettings = z
  .strictObject({
    event: z
      .string()
      .regex(/^[\w.-]{1,200}$/, 'expected the name of an event: letters, digits, dots, dashes, underscores')
      .describe(
        'The event that Extole\'s "Create Share Link on any Event" extension listens to. Without the extension, the events come and no link is made.',
      ),
    lane: z
      .enum(['batch', 'sftp'])
      .default('batch')
      .describe("How the file reaches Extole: batch by its files API, sftp by Extole's SFTP server. Default batch."),
    collect: z
      .enum(['report', 'webhooks'])
      .default('report')
      .describe(
        'How the links come back. report: out of links.report, again and again; it must have the e-mail of whoever has one in the customer file, and the id of the others. webhooks: they come by themselves (receive), and nothing is asked. Default report.',
      ),
    firstLook: positive
      .prefault('10m')
      .describe('How long after the upload the first report is asked for. Default 10m.'),
    every: positive
      .prefault('30m')
      .describe('Time between two reports, while somebody of an upload has no link yet. Default 30m.'),
    missingAfter: positive
      .prefault('2d')
      .describe(
        'Whoever has no link so long after the upload is held as LINK_MISSING. A link that comes later still counts. Default 2d.',
      ),
    upload: uploadSettings
      .unwrap()
      .omit({ proofTimeout: true })
      .prefault({})
      .describe('The file that is uploaded, and its results.'),
    batch: batchSettings,
    sftp: sftpLane.optional(),
  })
  .superRefine(({ lane, sftp }, context) => {
    if (lane !== 'sftp' || sftp !== undefined) return;
    const message = 'the lane sftp needs its own settings: sftp: { url: "sftp://client@sftp.extole.io/events", ... }';
    context.addIssue({ code: 'custom', path: ['lane'], message });
  })
  .describe(
    'For many people: they are uploaded as one file of events, Extole makes the links, and they are collected afterwards. Minutes instead of hours. Absent: links are made one by one.',
  );

export type BulkSettings = z.output<typeof bulkSettings>;
