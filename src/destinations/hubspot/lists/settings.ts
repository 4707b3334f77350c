import { z } from 'zod';
import { callSettings } from '../../call-settings.ts';
import { pathLike } from '../../reach-settings.ts';
import { hubspotSettings } from '../settings.ts';

/** How the members of a HubSpot list are kept. Durations are milliseconds once parsed. */
export const hubspotListSettings = hubspotSettings
  .pick({
    account: true,
    url: true,
    userIdProperty: true,
    requestsPer10Seconds: true,
    dailyReserve: true,
    timezone: true,
  })
  .extend({
    token: hubspotSettings.shape.token.describe(
      'The access token of a private app with crm.objects.contacts.read, crm.lists.read and crm.lists.write, by reference to the environment or a file.',
    ),
    listId: z
      .string()
      .regex(/^\d{1,19}$/, 'expected the id of a list, which is a number')
      .optional()
      .describe(
        "The list, which must be a static one. Absent: the one with the segment's name, made where there is none.",
      ),
    identifyBy: z
      .enum(['email', 'userId'])
      .default('email')
      .describe(
        'What the members of your segments are: e-mail addresses, or your own ids in userIdProperty. It must not change after the first sync.',
      ),
    membersPerCall: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Members added and removed in one call. They are looked up before, 100 in a call.'),
    paths: z
      .strictObject({
        contacts: pathLike('/crm/v3/objects/contacts')
          .default('/crm/v3/objects/contacts')
          .describe('Contacts; batch is below it.'),
        lists: pathLike('/crm/v3/lists').default('/crm/v3/lists').describe('Lists; memberships are below them.'),
      })
      .prefault({})
      .describe('Paths of the API, appended to the URL.'),
    ...callSettings,
  })
  .refine(({ identifyBy, userIdProperty }) => identifyBy === 'email' || userIdProperty !== undefined, {
    path: ['userIdProperty'],
    error: 'identifyBy: userId needs the property that holds your ids',
  })
  .describe('How the members of a HubSpot list are kept. Contacts are never made.');

export type HubspotListSettings = z.output<typeof hubspotListSettings>;
