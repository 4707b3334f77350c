import * as z from 'zod';
import { accountName } from '../destinations/reach-settings.ts';
import { remoteSettings } from '../remotes/settings.ts';

/** Members of segments as files in an outbox. */
export const memberFiles = z
  .strictObject({
    account: accountName.describe(
      'Your name for whoever reads the files. Who is in a segment there is remembered under it.',
    ),
    to: z
      .strictObject({
        ...remoteSettings.shape,
        url: remoteSettings.shape.url.describe('The outbox: sftp://user@host/outbox, or file:///srv/outbox.'),
      })
      .describe('Where the files are put. Each has its name only when it is whole.'),
    identifyBy: z
      .enum(['email', 'userId', 'alias'])
      .default('userId')
      .describe('What the members of your segments are. It must not change after the first sync.'),
    column: z
      .string()
      .regex(/^[\w .-]{1,64}$/, 'expected the name of a column')
      .default('id')
      .describe('What the column with the members is called.'),
    changes: z
      .boolean()
      .default(true)
      .describe(
        'Files of those who came and of those who left: {segment}_{time}_added.csv and {segment}_{time}_removed.csv, with the time to the millisecond in UTC (20261121T080000123Z). Read in the order of their names, they end with who is in the segment.',
      ),
    snapshot: z
      .boolean()
      .default(true)
      .describe('A file of all members, replaced after each sync: {segment}_members.csv.'),
    membersPerFile: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(100_000)
      .describe('Members in one file of changes; a larger change goes as several.'),
  })
  .refine(({ changes, snapshot }) => changes || snapshot, 'with changes: false and snapshot: false there are no files')
  .describe('Members as files in an outbox: who came, who left, and all of them.');

export type MemberFilesSettings = z.output<typeof memberFiles>;
