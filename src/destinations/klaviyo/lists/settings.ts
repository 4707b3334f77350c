import { z } from 'zod';
import { callSettings } from '../../call-settings.ts';
import { klaviyoSettings } from '../settings.ts';

/** How the members of a Klaviyo list are kept. Durations are milliseconds once parsed. */
export const klaviyoListSettings = klaviyoSettings
  .pick({
    account: true,
    url: true,
    revision: true,
    poll: true,
    completeWithin: true,
    requestsPerSecond: true,
    requestsPerMinute: true,
  })
  .extend({
    apiKey: klaviyoSettings.shape.apiKey.describe(
      'A private API key with the scopes lists:read, lists:write, profiles:read and profiles:write, by reference to the environment or a file.',
    ),
    listId: klaviyoSettings.shape.listId.describe(
      "The list. Absent: the one with the segment's name, made where there is none.",
    ),
    identifyBy: z
      .enum(['email', 'userId'])
      .default('email')
      .describe(
        'What the members of your segments are: e-mail addresses, or your own ids as external_id. It must not change after the first sync.',
      ),
    createProfiles: z
      .boolean()
      .default(false)
      .describe('Make profiles for members whom Klaviyo does not know. With false, they are rejected.'),
    profilesPerLookUp: z
      .int()
      .min(1)
      .max(100)
      .default(50)
      .describe('Members in one look-up; they stand in the address of the call.'),
    lookUpsPerMinute: z.int().min(1).max(100_000).default(700).describe('Limit of look-ups in a minute.'),
    countsPerMinute: z.int().min(1).max(100_000).default(15).describe("Limit of looks at a list's size in a minute."),
    membersPerCall: z.int().min(1).max(1000).default(1000).describe('The most members in one call.'),
    ...callSettings,
  })
  .describe('How the members of a Klaviyo list are kept. Being in a list gives nobody consent to marketing.');

export type KlaviyoListSettings = z.output<typeof klaviyoListSettings>;
