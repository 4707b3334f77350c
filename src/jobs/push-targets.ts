import * as z from 'zod';
import { brazeSettings } from '../destinations/braze/settings.ts';
import { hubspotSettings } from '../destinations/hubspot/settings.ts';
import { iterableSettings } from '../destinations/iterable/settings.ts';
import { klaviyoSettings } from '../destinations/klaviyo/settings.ts';
import { sfmcSettings } from '../destinations/sfmc/settings.ts';
import { columnName, template } from '../exports/format.ts';
import type { DestinationIdentity } from '../model.ts';
import { namesDiffer, targetName } from './target-names.ts';

/** The fields that profiles get, with a default for each provider. */
const fields = (byDefault: Readonly<Record<string, string>>) =>
  z
    .record(columnName, template)
    .refine((written) => Object.keys(written).length > 0, 'at least one field is needed')
    .default(byDefault)
    .describe(
      `What profiles get: names of properties, columns or attributes exactly as the tool spells them, and a text such as "{link}" or "{code}"; also {email}, {partner_user_id} and columns of the customer files, as long as those are kept (retention.days); where such a column alone changes, nothing is sent. Empty texts are not sent. Default ${Object.entries(
        byDefault,
      )
        .map(([name, text]) => `${name}: "${text}"`)
        .join(', ')}.`,
    );

/** A tool whose profiles are kept up to date with share links. */
const pushTarget = z.discriminatedUnion('provider', [
  hubspotSettings.safeExtend({
    provider: z.literal('hubspot').describe('Contacts of HubSpot, by e-mail.'),
    name: targetName,
    fields: fields({ share_link: '{link}', share_code: '{code}' }),
    createProperties: z
      .boolean()
      .default(true)
      .describe(
        'Make contact properties that HubSpot lacks, before each push. The token needs the scope crm.schemas.contacts.write; with false, make them by hand.',
      ),
  }),
  sfmcSettings.safeExtend({
    provider: z.literal('sfmc').describe('Rows of a data extension of Salesforce Marketing Cloud.'),
    name: targetName,
    fields: fields({ extole_share_link: '{link}' }),
  }),
  klaviyoSettings.safeExtend({
    provider: z.literal('klaviyo').describe('Profiles of Klaviyo.'),
    name: targetName,
    fields: fields({ share_link: '{link}' }),
  }),
  iterableSettings.safeExtend({
    provider: z.literal('iterable').describe('Users of Iterable.'),
    name: targetName,
    fields: fields({ share_link: '{link}' }),
  }),
  brazeSettings.safeExtend({
    provider: z.literal('braze').describe('Attributes of users of Braze.'),
    name: targetName,
    fields: fields({ share_link: '{link}' }),
  }),
]);

/** `push` of a job. */
export const pushTargets = z
  .array(pushTarget)
  .default([])
  .check((context) => namesDiffer(context, context.value.map(nameOfPush)))
  .describe(
    'Tools whose profiles get the share links over their API, after the rows of each run. Only what changed is sent.',
  );

export type PushTarget = z.output<typeof pushTarget>;

/** What a target is known by in the ledger and in reports. */
export function nameOfPush({ name, provider }: { name?: string | undefined; provider: string }): string {
  return name ?? provider;
}

/** Whom a target is given, and what; the rest is about calls. */
const OF_CONTENTS: ReadonlySet<string> = new Set([
  ...['provider', 'account', 'fields'],
  ...['userIdProperty', 'createMissing', 'createProperties'],
  ...['accountId', 'dataExtension', 'primaryKey', 'columns', 'maxLength'],
  ...['listId', 'identifiers', 'attributes'],
  ...['region', 'identifyBy', 'preferUserId', 'createNewFields'],
  ...['externalId', 'withoutExternalId', 'aliasLabel', 'updateExistingOnly'],
]);

/** What decides about whom and what a target is given, as text: with another one, everybody is looked at again. No secrets. */
export function contentsOfPush(target: PushTarget): string {
  return JSON.stringify(Object.entries(target).filter(([name]) => OF_CONTENTS.has(name)));
}

/** Whom a target is at: what was given there is not known to another account, or another data extension. */
export function placeOfPush(target: PushTarget): DestinationIdentity {
  const { provider, account } = target;
  if (target.provider !== 'sfmc') return { provider, account, container: '' };
  const { key, id } = target.dataExtension;
  return { provider, account, container: key ?? id ?? '' };
}
