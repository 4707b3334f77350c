import { z } from 'zod';
import { duration, positiveDuration } from '../../delivery/settings.ts';
import { pathLike } from '../reach-settings.ts';

const path = pathLike('/v6/files');
const partName = z.string().regex(/^[\w.-]{1,64}$/, 'expected the name of a part of a form');

const words = z.array(z.string().trim().toLowerCase().min(1)).min(1);

/** How a results file of Extole is read. Its layout is not documented, so whatever is found by itself can be said here. */
const results = z
  .strictObject({
    statusColumn: z
      .string()
      .trim()
      .min(1)
      .optional()
      .describe('The leading column that says whether a row was accepted. Default: found by its name and values.'),
    messageColumn: z
      .string()
      .trim()
      .min(1)
      .optional()
      .describe('The leading column with the reason. Default: found by its name.'),
    success: words
      .default(['success', 'succeeded', 'successful', 'ok', 'accepted', 'processed', 'done'])
      .describe('What stands in the status column of an accepted row, in any case.'),
    failure: words
      .default(['failure', 'failed', 'fail', 'error', 'rejected', 'invalid', 'denied'])
      .describe('What stands in the status column of a refused row, in any case.'),
  })
  .prefault({})
  .describe('How results files of Extole are read, in the lanes sftp and folder.');

/** What the lanes that send whole files have in common. Durations are milliseconds once parsed. */
export const uploadSettings = z
  .strictObject({
    clientId: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'expected letters, digits, dashes, underscores')
      .optional()
      .describe("What the names of uploaded files begin with: Extole's name for you. Default: the account."),
    quotes: z
      .enum(['psv', 'refuse', 'rfc4180', 'backslash'])
      .default('psv')
      .describe(
        'What becomes of values with a quote or backslash in them, since it is not documented how Extole reads one. psv: the file goes separated by | without any quotes. refuse: such rows are rejected. rfc4180: quotes are doubled. backslash: they are escaped. Default psv.',
      ),
    wait: duration
      .prefault('0s')
      .describe(
        'How long a run waits for the answer to a file it has sent, before it goes on to the next. Default 0s: later runs look for it.',
      ),
    poll: positiveDuration.prefault('60s').describe('Time between two looks for an answer. Default 60s.'),
    stable: duration
      .prefault('60s')
      .describe('A results file that does not speak of every row is read when it did not change for this long.'),
    proofTimeout: positiveDuration
      .prefault('24h')
      .describe('Rows without an answer are held as NO_PROOF after this time. Default 24h.'),
    results,
  })
  .prefault({})
  .describe('Files that are sent as a whole: the lanes sftp, batch and folder.');

/** The lane `batch`. The names of the parts of the form are not documented. */
export const batchSettings = z
  .strictObject({
    metadataPart: partName
      .default('fileAssetMetadata')
      .describe('Name of the part of the upload form that holds name, tags and format as JSON.'),
    filePart: partName
      .default('fileInputStreamRequest')
      .describe('Name of the part of the upload form that holds the file.'),
    files: path.default('/v6/files').describe('Where files are sent, below apiUrl.'),
    batches: path.default('/v6/batches').describe('Where batch jobs are made and watched, below apiUrl.'),
    eventColumns: z
      .boolean()
      .default(true)
      .describe("Name the file's columns as event_columns of the batch job. Default true."),
    uploadTimeout: positiveDuration.prefault('10m').describe('How long sending a file may take. Default 10m.'),
    settle: duration
      .prefault('2m')
      .describe(
        'When the answer to making a batch job was lost: how long to look for the job by its name before it counts as not made.',
      ),
  })
  .prefault({})
  .describe('The lane batch.');

/** The lane `folder`. */
export const folderSettings = z
  .strictObject({
    path: z
      .string()
      .refine((text) => text.startsWith('/') && !text.split('/').includes('..'), 'expected a path that starts with /')
      .describe('The folder of this machine into which files are put, for a person to upload in My Extole.'),
  })
  .describe('The lane folder.');

export type UploadSettings = z.output<typeof uploadSettings>;
export type BatchSettings = z.output<typeof batchSettings>;
