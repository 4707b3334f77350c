import { z } from 'zod';
import { positiveDuration } from '../../delivery/settings.ts';
import { callSettings } from '../call-settings.ts';
import { accountName, baseUrlLike, headerSecret, pathLike } from '../reach-settings.ts';

const path = pathLike('/crm/v3/objects/contacts');
const property = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'expected the internal name of a property: lower case letters, digits, underscores');

const zone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}, 'expected a time zone such as America/New_York');

/** How contacts of one HubSpot account are brought up to date. Durations are milliseconds once parsed. */
export const hubspotSettings = z
  .strictObject({
    account: accountName.describe('Your name for the HubSpot account. What was pushed is remembered under it.'),
    token: headerSecret.describe(
      'The access token of a private app with crm.objects.contacts.read and .write, by reference to the environment or a file. To make properties: crm.schemas.contacts.write; for imports: crm.import.',
    ),
    url: baseUrlLike('https://api.hubapi.com').default('https://api.hubapi.com').describe('Where the API is.'),
    paths: z
      .strictObject({
        contacts: path
          .default('/crm/v3/objects/contacts')
          .describe('Contacts; batch and search are below it. Newer versions: /crm/objects/2026-03/contacts.'),
        properties: path.default('/crm/v3/properties/contacts').describe('Properties of contacts.'),
        imports: path.default('/crm/v3/imports').describe('Imports. Newer versions: /crm/imports/2026-03.'),
        tokenInfo: path
          .default('/oauth/v2/private-apps/get/access-token-info')
          .describe('Where `doctor` asks what a private app may do.'),
      })
      .prefault({})
      .describe('Paths of the API, appended to the URL.'),
    userIdProperty: property
      .optional()
      .describe(
        'The contact property that holds your own id of a person, where there is one; it must have unique values. Contacts are looked for by e-mail first, then by it. Absent: by e-mail only.',
      ),
    createMissing: z
      .boolean()
      .default(true)
      .describe('Make contacts for people whom HubSpot does not know. With false, their rows are rejected.'),
    requestsPer10Seconds: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe(
        "The app's limit: 100 with Free and Starter, 190 with Professional and Enterprise, 250 with an API add-on. Calls are spaced so that it is never reached; a lower limit that HubSpot names in its answers is kept.",
      ),
    searchesPerSecond: z
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('The limit of searches, which HubSpot counts by account.'),
    dailyReserve: z
      .int()
      .min(0)
      .default(0)
      .describe("Calls of the account's daily limit that are left to other apps: we stop for the day before."),
    timezone: zone
      .default('UTC')
      .describe(
        "The account's time zone (Settings, Account Defaults): the daily limit counts anew at its midnight. Default UTC.",
      ),
    ...callSettings,
    property: z
      .strictObject({
        group: property
          .default('contactinformation')
          .describe('The property group into which new properties are put. It must exist.'),
        type: z.string().min(1).default('string').describe('Their type.'),
        fieldType: z.string().min(1).default('text').describe('How they are shown and edited.'),
      })
      .prefault({})
      .describe('How contact properties are made that do not exist.'),
    import: z
      .strictObject({
        operation: z
          .enum(['create', 'update', 'upsert'])
          .default('upsert')
          .describe('What an import does: make contacts, bring known ones up to date, or both.'),
        dateFormat: z
          .enum(['year-month-day', 'month-day-year', 'day-month-year'])
          .default('year-month-day')
          .describe('How dates are written in the file.'),
        poll: positiveDuration.prefault('10s').describe('Time between two looks at an import.'),
        wait: positiveDuration.prefault('6h').describe('How long an import may take until it counts as stuck.'),
        uploadTimeout: positiveDuration.prefault('10m').describe('How long sending a file may take.'),
      })
      .prefault({})
      .describe('Files that are handed in as imports.'),
  })
  .describe('How contacts of one HubSpot account are brought up to date.');

export type HubspotSettings = z.output<typeof hubspotSettings>;
