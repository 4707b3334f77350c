import { z } from 'zod';
import { duration } from '../../delivery/settings.ts';
import { callSettings } from '../call-settings.ts';
import { accountName, baseUrlLike } from '../reach-settings.ts';

const EXAMPLE = 'https://mc563885gzs27c5t9-63k636ttgm.auth.marketingcloudapis.com';

const column = z.string().regex(/^[^\p{Cc}]{1,128}$/u, 'expected the name of a column, as the data extension has it');

const plain = z.string().regex(/^[\x20-\x7e]{1,256}$/, 'expected 1 to 256 plain characters');

const parameter = z.string().regex(/^[\w$.-]{1,32}$/, 'expected the name of a query parameter');

/** How profiles reach one data extension of Salesforce Marketing Cloud. Durations are milliseconds once parsed. */
export const sfmcSettings = z
  .strictObject({
    account: accountName.describe(
      'Your name for the account or business unit. What was pushed is remembered under it.',
    ),
    subdomain: z
      .string()
      .regex(
        /^[A-Za-z0-9-]+$/,
        'expected letters, digits and dashes only: what stands before .auth.marketingcloudapis.com',
      )
      .describe(
        'The subdomain of your tenant: what stands before .auth.marketingcloudapis.com in Setup, Installed Packages.',
      ),
    clientId: plain.describe('Client id of the installed package (server-to-server).'),
    clientSecret: plain.describe('Its client secret, by reference to the environment or a file.'),
    accountId: z
      .string()
      .regex(/^\d{1,20}$/, 'expected the digits of a MID')
      .optional()
      .describe('MID of the business unit that has the data extension. Absent: the one of the package.'),
    scope: plain
      .optional()
      .describe(
        'Rights to ask for, separated by spaces. Absent: all that the package has. Data Extensions write is needed.',
      ),
    authUrl: baseUrlLike(EXAMPLE).optional().describe('Where tokens are given. Absent: made of the subdomain.'),
    restUrl: baseUrlLike('https://mc563885gzs27c5t9-63k636ttgm.rest.marketingcloudapis.com')
      .optional()
      .describe('Where rows go. Absent: the address that comes with the token.'),
    dataExtension: z
      .strictObject({
        key: plain.optional().describe('Its external key, as Contact Builder shows it.'),
        id: z
          .string()
          .regex(/^[\w-]{1,64}$/, 'expected an id')
          .optional()
          .describe('Its id, where there is no external key to go by.'),
      })
      .refine(({ key, id }) => (key === undefined) !== (id === undefined), 'expected either key or id')
      .describe('The data extension. It must have a primary key, else rows cannot be updated.'),
    primaryKey: z
      .enum(['email', 'userId'])
      .default('email')
      .describe('Which of the two is the primary key of the data extension. A profile without it is rejected.'),
    columns: z
      .strictObject({
        email: z
          .union([column, z.literal(false)])
          .default('EmailAddress')
          .describe('The column of the e-mail address; false where the data extension has none.'),
        userId: column
          .optional()
          .describe("The column of the company's own id of the person, such as SubscriberKey. Absent: it is not sent."),
      })
      .prefault({})
      .describe('Columns that identify a person; the others are named by the fields of a profile.'),
    maxLength: z
      .record(column, z.int().min(1).max(4000))
      .default({ extole_share_link: 500 })
      .describe(
        'The most characters that columns take. A longer value is rejected here and not sent: it would be cut or refused there.',
      ),
    rowsPerCall: z
      .int()
      .min(1)
      .max(32_000)
      .default(10_000)
      .describe('Rows in one call. Salesforce takes 32,000 at most.'),
    bytesPerCall: z
      .int()
      .min(1000)
      .max(100_000_000)
      .default(4_000_000)
      .describe('Bytes of one call. Salesforce does not say what it takes.'),
    requestsPerMinute: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(120)
      .describe(
        'Calls in a minute. Salesforce does not say what is allowed; too many are answered 429, and waited for.',
      ),
    tokenEvery: duration
      .prefault('20m')
      .describe(
        'A token is asked for once in this time at most, unless the one in use is refused. Salesforce allows one in 20 minutes.',
      ),
    poll: duration
      .prefault('5s')
      .describe('The longest time between two looks whether rows are worked off. The first ones follow sooner.'),
    completeWithin: duration
      .prefault('1h')
      .describe('How long to look. After that nobody knows of the rows, and they are sent again.'),
    results: z
      .strictObject({
        page: parameter.default('page').describe('The query parameter for the page, counted from 1.'),
        pageSize: parameter.default('pageSize').describe('The query parameter for the rows in a page.'),
        rows: z.int().min(1).max(10_000).default(1000).describe('Rows in a page to ask for; it may give fewer.'),
      })
      .prefault({})
      .describe('How results are read, where some rows of a call were refused.'),
    ...callSettings,
  })
  .refine(({ primaryKey, columns }) => typeof columns[primaryKey] === 'string', {
    path: ['columns'],
    message: 'expected the column of the primary key (primaryKey), whose name is missing',
  })
  .describe('How profiles reach one data extension of Salesforce Marketing Cloud.');

export type SfmcSettings = z.output<typeof sfmcSettings>;
