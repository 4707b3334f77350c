import { z } from 'zod';
import { callSettings } from '../call-settings.ts';
import { accountName, baseUrlLike, headerSecret } from '../reach-settings.ts';

const URLS = { us: 'https://api.iterable.com', eu: 'https://api.eu.iterable.com' } as const;

/** How users of one Iterable project are brought up to date. Durations are milliseconds once parsed. */
export const iterableSettings = z
  .strictObject({
    account: accountName.describe('Your name for the Iterable project. What was pushed is remembered under it.'),
    apiKey: headerSecret.describe('A server-side API key of the project, by reference to the environment or a file.'),
    region: z
      .enum(['us', 'eu'])
      .default('us')
      .describe('Where the project lives. A key of a project in the EU works only there.'),
    url: baseUrlLike(URLS.us).optional().describe('Where the API is. Absent: as the region says.'),
    identifyBy: z
      .enum(['email', 'userId'])
      .default('email')
      .describe(
        'What the project knows its users by: email, or userId for a project that identifies users by userId. A person without it is rejected.',
      ),
    preferUserId: z
      .boolean()
      .default(false)
      .describe(
        'With identifyBy userId: make a user for a userId that Iterable does not know. With false, the row is rejected.',
      ),
    createNewFields: z
      .boolean()
      .optional()
      .describe(
        'Make fields that the project does not have yet; their type stays for good. Absent: as the project setting "Drop Unrecognized User Fields" says.',
      ),
    requestsPerSecond: z
      .number()
      .min(0.01)
      .max(1000)
      .default(5)
      .describe('The limit of bulk updates in a project. Calls are spaced so that it is never reached.'),
    usersPerCall: z.int().min(1).max(10_000).default(1000).describe('The most users in one call.'),
    bytesPerCall: z
      .int()
      .min(10_000)
      .max(4_000_000)
      .default(4_000_000)
      .describe('The longest body of a call; Iterable takes no more than 4 MB.'),
    ...callSettings,
  })
  .describe('How users of one Iterable project are brought up to date.');

export type IterableSettings = z.output<typeof iterableSettings>;

/** Where the project's API is. */
export function urlOf({ url, region }: Pick<IterableSettings, 'url' | 'region'>): string {
  return url ?? URLS[region];
}
