import { z } from 'zod';
import { callSettings, quietSetting } from '../../call-settings.ts';
import { accountName, baseUrlLike, headerSecret } from '../../reach-settings.ts';

const label = z.string().regex(/^[^\p{Cc}]{1,255}$/u, 'expected a label of 1 to 255 characters');
const uuid = z
  .string()
  .regex(/^[\w-]{1,64}$/, 'expected the id of a subscription group, as its page in Braze shows it');
const attributeName = z
  .string()
  .regex(
    /^[A-Za-z][\w .-]*(?:\{segment\}[\w .-]*)?$/,
    'expected the name of a custom attribute, such as segment_{segment}',
  )
  .max(255);

/** How the membership of segments reaches one Braze workspace. Durations are milliseconds once parsed. */
export const brazeMembershipSettings = z
  .strictObject({
    account: accountName.describe(
      'Your name for the Braze workspace. Who is in a segment there is remembered under it.',
    ),
    url: baseUrlLike('https://rest.iad-01.braze.com').describe(
      'The REST endpoint of your instance, such as https://rest.iad-01.braze.com or https://rest.fra-01.braze.eu.',
    ),
    identifyBy: z
      .enum(['userId', 'alias', 'email'])
      .default('userId')
      .describe(
        'What the members of your segments are to Braze: its external_id, the name of a user alias under aliasLabel, or the e-mail address (not with cohorts). It must not change after the first sync.',
      ),
    aliasLabel: label.optional().describe('The label of those user aliases, as the workspace has it.'),
    cohort: z
      .strictObject({
        partner: z
          .string()
          .regex(/^[\w-]{1,64}$/, 'expected the name that Braze gave the partner')
          .describe('The partner in the address of the calls, such as heap.'),
        partnerApiKey: headerSecret.describe(
          'The key that Braze gave the partner, by reference to the environment or a file. US and EU have different ones.',
        ),
        clientSecret: headerSecret.describe(
          "The workspace's data import key (Partner Integrations, Technology Partners), by reference to the environment or a file.",
        ),
        idsPerCall: z.int().min(1).max(1000).default(1000).describe('Members in one call; Braze takes up to 1,000.'),
        requestsPerHour: z
          .int()
          .min(1)
          .max(100_000_000)
          .default(250_000)
          .describe('Limit of calls in an hour. Calls are spaced so that it is never reached.'),
        lookUp: z
          .strictObject({
            apiKey: headerSecret.describe('A REST API key with the permission users.export.ids.'),
            requestsPerMinute: z.int().min(1).max(100_000).default(250).describe('Limit of such calls in a minute.'),
          })
          .optional()
          .describe(
            'Ask before a member is added whether Braze knows it, 50 in a call, and reject those that it does not. Absent: Braze passes over them without a word. With identifyBy: userId only.',
          ),
      })
      .optional()
      .describe("A cohort for each segment, with the segment's name. It needs a partner key."),
    attribute: z
      .strictObject({
        apiKey: headerSecret.describe('A REST API key with the permission users.track.'),
        form: z
          .enum(['boolean', 'array'])
          .default('boolean')
          .describe(
            'boolean: true for members, false for those who leave. array: a list with the ids of all segments that a person is in.',
          ),
        name: attributeName
          .optional()
          .describe(
            'The custom attribute; {segment} in it is the id of the segment. Default with boolean: segment_{segment}; with array: segments.',
          ),
        usersPerCall: z.int().min(1).max(75).default(75).describe('Users in one call; Braze takes up to 75.'),
        requestsPerSecond: z
          .number()
          .min(0.001)
          .max(10_000)
          .default(1000)
          .describe('Calls a second at most. What the answers of Braze say of the limit is kept as well.'),
        quiet: quietSetting('5m', 'Braze'),
      })
      .optional()
      .describe('The membership as a custom attribute. It makes no users. Each change costs a data point.'),
    subscription: z
      .strictObject({
        apiKey: headerSecret.describe('A REST API key with the permission subscription.status.set.'),
        groupId: uuid.describe('The id of the subscription group. Members are subscribed, others unsubscribed.'),
        usersPerCall: z.int().min(1).max(50).default(50).describe('Users in one call; Braze takes up to 50.'),
        requestsPerMinute: z.int().min(1).max(1_000_000).default(5000).describe('Limit of such calls in a minute.'),
      })
      .optional()
      .describe('The membership as a subscription group, which people can see and change themselves.'),
    ...callSettings,
  })
  .refine((settings) => waysOf(settings).length === 1, 'expected exactly one of cohort, attribute and subscription')
  .refine(({ identifyBy, aliasLabel }) => identifyBy !== 'alias' || aliasLabel !== undefined, {
    path: ['aliasLabel'],
    error: 'identifyBy: alias needs the label of the aliases',
  })
  .refine(({ identifyBy, cohort }) => identifyBy !== 'email' || cohort === undefined, {
    path: ['identifyBy'],
    error: 'cohorts take external_ids and user aliases only; expected userId or alias',
  })
  .refine(({ identifyBy, subscription }) => identifyBy !== 'alias' || subscription === undefined, {
    path: ['identifyBy'],
    error: 'subscription groups take external_ids and e-mail addresses only; expected userId or email',
  })
  .refine(({ identifyBy, cohort }) => identifyBy === 'userId' || cohort?.lookUp === undefined, {
    path: ['cohort', 'lookUp'],
    error: 'only external_ids can be looked up; expected identifyBy: userId, or no lookUp',
  })
  .describe(
    'How the membership of segments reaches one Braze workspace: as cohorts where you have a partner key, else as a custom attribute or a subscription group.',
  );

export type BrazeMembershipSettings = z.output<typeof brazeMembershipSettings>;

function waysOf({
  cohort,
  attribute,
  subscription,
}: {
  cohort?: unknown;
  attribute?: unknown;
  subscription?: unknown;
}): unknown[] {
  return [cohort, attribute, subscription].filter((way) => way !== undefined);
}
