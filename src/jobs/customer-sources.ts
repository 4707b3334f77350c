import { z } from 'zod';
import { hubspotSettings } from '../destinations/hubspot/settings.ts';
import { pgpSettings } from '../parsing/pgp-settings.ts';

/** A column of the file that customers are written to; it stands in the header as it is here. */
const column = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected the name of a column: lower case letters, digits, underscores');

const property = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,99}$/, 'expected the internal name of a property: lower case letters, digits, underscores');

/** Columns that are there by themselves. */
export const OWN_COLUMNS = ['hubspot_id', 'email', 'partner_user_id'] as const;
const isFree = (name: string): boolean => !OWN_COLUMNS.some((own) => own === name);
const OWN_COLUMN = 'hubspot_id, email and partner_user_id are columns already';

/** Customers are the contacts of a HubSpot account that have no share link. Durations are milliseconds once parsed. */
export const hubspotSource = hubspotSettings
  .pick({
    account: true,
    token: true,
    url: true,
    paths: true,
    userIdProperty: true,
    requestsPer10Seconds: true,
    searchesPerSecond: true,
    dailyReserve: true,
    timezone: true,
    timeout: true,
    patience: true,
    backoff: true,
    connections: true,
    ca: true,
    allowPrivateAddresses: true,
  })
  .extend({
    property: property
      .default('share_link')
      .describe('The contact property in which links are put. Contacts without a value in it are the customers.'),
    properties: z
      .record(column.refine(isFree, OWN_COLUMN), property)
      .default({ first_name: 'firstname', last_name: 'lastname' })
      .describe(
        'More columns: name to contact property. hubspot_id, email and partner_user_id (of userIdProperty) are always there.',
      ),
  })
  .describe('Contacts of one HubSpot account that have no share link.');

/** Which delivered rows people are taken of, and how their files are read. */
export const sourceOfDelivered = {
  jobs: z.array(z.string().min(1)).min(1).describe('The ids of the jobs whose files the people come from.'),
  events: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('The names of the events that count, such as account_opened. Default: all that those jobs deliver.'),
  pgp: pgpSettings,
};

/** Refuses a key where it is not said that what it opens may lie open. */
export function sayPlaintext(why: string) {
  return ({ pgp }: { pgp?: z.output<typeof pgpSettings> }, context: z.RefinementCtx): void => {
    if (pgp === undefined || pgp.allowPlaintextUploads) return;
    const message = `${why}: say allowPlaintextUploads: true, or take them from an inbox`;
    context.addIssue({ code: 'custom', path: ['pgp'], message });
  };
}

/** Customers are the people of rows that this ledger has seen delivered. */
export const ledgerSource = z
  .strictObject({
    jobs: sourceOfDelivered.jobs,
    events: sourceOfDelivered.events,
    columns: z
      .array(column.refine(isFree, OWN_COLUMN))
      .default(['first_name', 'last_name'])
      .describe(
        'More columns: fields of those events, as event.data names them. email and partner_user_id are always there.',
      ),
    pgp: sourceOfDelivered.pgp.describe(
      'The private key that the files of those jobs are encrypted to, where they come encrypted. The customers then lie decrypted on the disk of this machine, which allowPlaintextUploads: true allows.',
    ),
  })
  .superRefine(sayPlaintext('the customers are written to a file, which lies decrypted on this machine'))
  .describe('People of rows that were delivered since the last run of this job.');

export type HubspotSource = z.output<typeof hubspotSource>;
export type LedgerSource = z.output<typeof ledgerSource>;
