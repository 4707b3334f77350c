import { z } from 'zod';
import { duration } from '../../delivery/settings.ts';
import { callSettings } from '../call-settings.ts';
import { accountName, baseUrlLike, headerSecret } from '../reach-settings.ts';

/** How profiles reach one Klaviyo account. Durations are milliseconds once parsed. */
export const klaviyoSettings = z
  .strictObject({
    account: accountName.describe('Your name for the Klaviyo account. What was pushed is remembered under it.'),
    apiKey: headerSecret.describe(
      'A private API key with the scopes lists:write, profiles:read and profiles:write (and lists:read), by reference to the environment or a file.',
    ),
    url: baseUrlLike('https://a.klaviyo.com').default('https://a.klaviyo.com').describe('Where the API is.'),
    revision: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a date such as 2026-07-15')
      .default('2026-07-15')
      .describe('The revision of the API that is asked for.'),
    listId: z
      .string()
      .regex(/^\w{1,32}$/, 'expected the id of a list, as the address of its page shows it')
      .optional()
      .describe('A list to which every profile is added. That gives nobody consent to marketing. Absent: no list.'),
    identifiers: z
      .enum(['both', 'email', 'userId'])
      .default('both')
      .describe(
        "What a person is known by: the e-mail address, the company's own id as external_id, or what there is of both. An external_id that belongs to another profile is refused.",
      ),
    attributes: z
      .array(z.enum(['first_name', 'last_name', 'phone_number', 'organization', 'title', 'image', 'locale']))
      .default(['first_name', 'last_name', 'phone_number', 'organization', 'title', 'image', 'locale'])
      .describe(
        "Fields that are Klaviyo's own attributes. Every other field is a custom property, under exactly the name it has: share_link and Share_Link are two.",
      ),
    profilesPerJob: z
      .int()
      .min(1)
      .max(10_000)
      .default(10_000)
      .describe('Profiles in one import job. Klaviyo takes 10,000 at most.'),
    bytesPerJob: z
      .int()
      .min(1000)
      .max(5_000_000)
      .default(5_000_000)
      .describe('Bytes of one import job. Klaviyo takes 5 MB at most.'),
    bytesPerProfile: z
      .int()
      .min(100)
      .max(100_000)
      .default(100_000)
      .describe('Bytes of one profile. A larger one is rejected here; Klaviyo takes 100 kB at most.'),
    requestsPerSecond: z
      .number()
      .min(0.01)
      .max(10_000)
      .default(10)
      .describe('Limit of import jobs in a second. Calls are spaced so that neither limit is reached.'),
    requestsPerMinute: z.int().min(1).max(600_000).default(150).describe('Limit of import jobs in a minute.'),
    poll: duration
      .prefault('5s')
      .describe('The longest time between two looks whether an import job is done. The first ones follow sooner.'),
    completeWithin: duration
      .prefault('1h')
      .describe('How long to look. After that nobody knows of its profiles, and they are sent again.'),
    ...callSettings,
  })
  .describe('How profiles reach one Klaviyo account.');

export type KlaviyoSettings = z.output<typeof klaviyoSettings>;
