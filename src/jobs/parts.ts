import * as z from 'zod';
import { duration } from '../mapping/duration.ts';
import { timeZone } from '../mapping/field-settings.ts';
import { notifySettings } from '../notices/settings.ts';
import { manifestFields, manifestProblem } from '../parsing/manifest-settings.ts';
import { size } from '../parsing/settings.ts';
import { remoteSettings } from '../remotes/settings.ts';
import { CronError, parseCron } from './cron.ts';
import { expectSettings, morningSettings, watchSettings } from './watch-settings.ts';

/** Read as the daemon reads it: what it cannot read must not get that far. */
const schedule = z.string().superRefine((expression, context) => {
  try {
    parseCron(expression);
  } catch (error) {
    if (!(error instanceof CronError)) throw error;
    const where = error.field === 'schedule' ? '' : `${error.field}: `;
    // Without what was found: it may have come from a reference.
    context.addIssue({ code: 'custom', message: where + error.rule });
  }
});

/** A folder of a server or of this machine. */
export const folder = z
  .string()
  .trim()
  .min(1)
  .refine((path) => !path.split('/').includes('..') && !path.includes('\0'), 'a folder may not contain ..');

const BESIDE = 'Relative to the folder that holds the inbox, unless it starts with /.';

export const source = z
  .strictObject({
    ...remoteSettings.shape,
    url: remoteSettings.shape.url.describe(
      'Where the files arrive: sftp://user@host:port/inbox, or file:///srv/inbox for a local folder. /~/inbox starts at the login folder.',
    ),
    match: z
      .string()
      .min(1)
      .describe('Names of the files to take, as a glob: "account-openings-*.csv". Also ?, [a-z] and {csv,psv}.'),
    inbox: folder
      .optional()
      .describe("The folder to take files from, relative to the url's. Default: the url's folder itself."),
    archive: folder.default('archive').describe(`Where files go that were processed. ${BESIDE} Default archive.`),
    processing: folder
      .default('processing')
      .describe(`Where a file is while it is worked on. ${BESIDE} Default processing.`),
    refused: folder
      .default('refused')
      .describe(`Where files go that cannot be read as a whole. ${BESIDE} Default refused.`),
    stable: z
      .strictObject({
        for: duration
          .prefault('60s')
          .describe('A file is taken when its size and time did not change for this long. Default 60s.'),
        marker: z
          .string()
          .refine(
            (text) => /\{(name|stem)\}/.test(text),
            'the name of the data file must occur in it as {name} or {stem}',
          )
          .optional()
          .describe('Take a file as soon as a file of this name is beside it: "{name}.done" or "{stem}.ok".'),
      })
      .prefault({})
      .describe('When a file counts as complete.'),
    manifest: z
      .strictObject({
        ...manifestFields,
        wait: duration
          .prefault('15m')
          .describe(
            'How long a complete file waits for its manifest. The next run after that takes it without. Default 15m.',
          ),
      })
      .superRefine((manifest, context) => {
        const message = manifestProblem(manifest);
        if (message !== undefined) context.addIssue({ code: 'custom', path: ['control'], message });
      })
      .optional()
      .describe('A file beside each file that says what it must hold: a checksum, or a row count and sums.'),
    take: z
      .enum(['rename', 'copy'])
      .default('rename')
      .describe(
        'rename moves a file to `processing` first, so that a partner who writes the name again loses nothing; copy is for servers that do not let us rename. Default rename.',
      ),
    maxSize: size(
      '20GB',
      'The largest file that is taken. A larger one is left in the inbox and told of, since fetching it might fill the disk of all jobs.',
    ),
    shared: z
      .boolean()
      .default(false)
      .describe('Say that another job may match the same files. Both jobs must say so. Default false.'),
  })
  .describe('Where the files come from.');

export const report = z
  .strictObject({
    to: folder
      .default('results')
      .describe(`Where results files go, one for each input file. ${BESIDE} Default results.`),
    reports: folder.default('reports').describe(`Where reconciliation reports go. ${BESIDE} Default reports.`),
    encryptTo: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .transform((written) => (typeof written === 'string' ? [written] : written))
      .optional()
      .describe(
        'A PGP public key (armored text, by reference to a file), or a list: results files are encrypted to it and get the ending .pgp.',
      ),
    morning: morningSettings.optional(),
  })
  .prefault({})
  .describe('What is put back for the partner.');

/** What every job has, whatever its pipeline: before its own fields in a job file. */
export const jobFields = {
  $schema: z.string().optional().describe('Where editors find the description of this file.'),
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'an id has 1 to 64 letters, digits, dots, dashes or underscores')
    .optional()
    .describe("The job's lasting name, under which its files are remembered. Default: the file's name without .yaml."),
  description: z.string().optional().describe('For people.'),
  schedule: schedule
    .optional()
    .describe('When the daemon runs the job: five cron fields in `timezone`. Without it, the job runs by hand only.'),
  timezone: timeZone.default('UTC').describe('The IANA zone of the schedule and of the days of reports. Default UTC.'),
};

/** The same, after them. */
export const upkeepFields = {
  report,
  expect: expectSettings.optional(),
  notify: notifySettings.optional(),
  watch: watchSettings,
  failed: z
    .strictObject({
      maxAge: duration
        .prefault('7d')
        .describe(
          'Failed rows are retried by the next runs for this long, then held; profiles of `push` and members of segments are then rejected. Default 7d.',
        ),
    })
    .prefault({})
    .describe('Rows whose delivery failed for now.'),
  held: z
    .strictObject({
      maxAge: duration
        .prefault('30d')
        .describe('Held rows wait for a person this long, then are rejected as EXPIRED. Default 30d.'),
    })
    .prefault({})
    .describe('Rows and files that wait for a person.'),
};

export const stagedDays = z
  .int()
  .min(0)
  .max(3650)
  .default(30)
  .describe('Days that a staged file is kept after all its rows are final. Default 30.');
