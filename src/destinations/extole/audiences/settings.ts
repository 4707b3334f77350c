import { z } from 'zod';
import { duration, positiveDuration } from '../../../delivery/settings.ts';
import { callSettings } from '../../call-settings.ts';
import { pathLike } from '../../reach-settings.ts';
import { extoleSettings } from '../settings.ts';
import { uploadSettings } from '../upload-settings.ts';

const partName = z.string().regex(/^[\w.-]{1,64}$/, 'expected the name of a form field');

const audienceId = z.string().regex(/^[\w-]{1,64}$/, 'expected the id of an audience, as My Extole shows it');

/** What both ways to an audience have in common. Durations are milliseconds once parsed. */
const common = {
  account: extoleSettings.shape.account,
  identifyBy: z
    .enum(['email', 'userId'])
    .default('email')
    .describe(
      'What the members of your segments are: e-mail addresses, or your own ids of customers. It must not change after the first sync.',
    ),
  column: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'expected the name of a column')
    .optional()
    .describe(
      'What the column with the members is called. Default: email, or partner_user_id with identifyBy: userId.',
    ),
  membersPerFile: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100_000)
    .describe('Members in one file; a larger change goes as several, one after the other.'),
  poll: positiveDuration.prefault('5s').describe('Time between two looks whether a file was worked off.'),
  completeWithin: positiveDuration
    .prefault('1h')
    .describe(
      'How long to wait for that, and for an operation of others to end. After that its members are sent again by the next sync.',
    ),
};

/** How the members of an audience reach Extole by its API. */
export const audienceApiSettings = z
  .strictObject({
    ...common,
    audienceId: audienceId
      .optional()
      .describe("The audience. Absent: the one with the segment's name, which is made where there is none."),
    token: extoleSettings.shape.token,
    apiUrl: extoleSettings.shape.apiUrl,
    requestsPerMinute: extoleSettings.shape.requestsPerMinute,
    personsUpTo: z
      .int()
      .min(0)
      .max(1000)
      .default(10)
      .describe(
        'Changes of up to so many members go person by person, two calls each; more go as a file. 0: always a file.',
      ),
    partnerUserIdKey: z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'expected the name of a data field')
      .default('partner_user_id')
      .describe('The person key of the account that holds your id of a customer.'),
    metadataPart: partName
      .default('fileAssetMetadata')
      .describe('Name of the part of the upload form that holds name, tags and format as JSON.'),
    filePart: partName
      .default('fileInputStreamRequest')
      .describe('Name of the part of the upload form that holds the file.'),
    uploadTimeout: positiveDuration.prefault('10m').describe('How long sending a file may take.'),
    paths: z
      .strictObject({
        audiences: pathLike('/v1/audiences').default('/v1/audiences').describe('Audiences; operations are below them.'),
        persons: pathLike('/v5/persons').default('/v5/persons').describe('Persons; their memberships are below them.'),
        files: pathLike('/v6/files').default('/v6/files').describe('Where files are sent.'),
      })
      .prefault({})
      .describe('Paths of the API, appended to apiUrl.'),
    ...callSettings,
  })
  .describe('How the members of an audience reach Extole by its API.');

/** How the members of an audience reach Extole by files in its folders. */
export const audienceSftpSettings = z
  .strictObject({
    ...common,
    audiences: z
      .record(z.string().min(1).max(128), audienceId)
      .refine((written) => Object.keys(written).length > 0, 'expected the id of an audience for each segment')
      .describe('The audience of each segment, by the id of the segment. The id of an audience is part of its folder.'),
    settle: duration
      .prefault('10s')
      .describe('A results file that does not speak of every member is read when it did not change for this long.'),
    results: uploadSettings.unwrap().shape.results,
  })
  .describe('How the members of an audience reach Extole by files in its folders.');

export type AudienceApiSettings = z.output<typeof audienceApiSettings>;
export type AudienceSftpSettings = z.output<typeof audienceSftpSettings>;

/** The column with the members. */
export function columnOf({ column, identifyBy }: Pick<AudienceApiSettings, 'column' | 'identifyBy'>): string {
  return column ?? (identifyBy === 'email' ? 'email' : 'partner_user_id');
}
