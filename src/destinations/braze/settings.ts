import { z } from 'zod';
import { callSettings } from '../call-settings.ts';
import { accountName, baseUrlLike, headerSecret } from '../reach-settings.ts';

/** How users of one Braze workspace are brought up to date. Durations are milliseconds once parsed. */
export const brazeSettings = z
  .strictObject({
    account: accountName.describe('Your name for the Braze workspace. What was pushed is remembered under it.'),
    url: baseUrlLike('https://rest.iad-01.braze.com').describe(
      'The REST endpoint of your instance, such as https://rest.iad-01.braze.com or https://rest.fra-01.braze.eu. Another instance refuses the key.',
    ),
    apiKey: headerSecret.describe(
      'A REST API key with the permission users.track, by reference to the environment or a file.',
    ),
    externalId: z
      .enum(['userId', 'email', 'none'])
      .default('userId')
      .describe(
        "What the workspace's external_id is: your own id of a person, the e-mail address, or nothing we have.",
      ),
    withoutExternalId: z
      .enum(['reject', 'alias', 'email'])
      .default('reject')
      .describe(
        'What to do for a person without external_id. alias: name them by a user alias, the e-mail address under aliasLabel (the userId where there is no address). email: name them by their address. reject: reject the row.',
      ),
    aliasLabel: z
      .string()
      .regex(/^[^\p{Cc}]{1,255}$/u, 'expected a label of 1 to 255 characters')
      .optional()
      .describe('The label of those user aliases, as the workspace has it.'),
    updateExistingOnly: z
      .boolean()
      .default(false)
      .describe(
        'Make no users. Then Braze passes over people whom it does not know without a word, and their rows count as accepted.',
      ),
    requestsPerSecond: z
      .number()
      .min(0.001)
      .max(10_000)
      .default(1000)
      .describe(
        'Calls a second at most; Braze allows 3,000 in three seconds, plans by active users less. What its answers say of the limit is kept as well.',
      ),
    usersPerCall: z.int().min(1).max(75).default(75).describe('Users in one call; Braze takes up to 75.'),
    bytesPerCall: z
      .int()
      .min(10_000)
      .max(4_000_000)
      .default(4_000_000)
      .describe('The longest body of a call; Braze takes up to 4 MB.'),
    ...callSettings,
  })
  .refine(({ withoutExternalId, aliasLabel }) => withoutExternalId !== 'alias' || aliasLabel !== undefined, {
    path: ['aliasLabel'],
    error: 'withoutExternalId: alias needs the label of the aliases',
  })
  .refine(({ externalId, withoutExternalId }) => externalId !== 'none' || withoutExternalId !== 'reject', {
    path: ['withoutExternalId'],
    error: 'with externalId: none this would reject every row; expected alias or email',
  })
  .describe(
    'How users of one Braze workspace are brought up to date. Each attribute that is sent costs a data point, changed or not: hand in only what changed.',
  );

export type BrazeSettings = z.output<typeof brazeSettings>;
