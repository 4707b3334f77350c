import * as z from 'zod';

/** Longest id of a customer; Extole documents none. No e-mail is longer either. */
export const PARTNER_USER_ID_LIMIT = 256;

/** How a row of a customer file is read. It is made of a job's settings, and stored with each file. */
export const customerRows = z.strictObject({
  customers: z.literal(true),
  /** The space in which a person is a key: no event has such a name. */
  name: z.string(),
  /** What a customer is uploaded as, where Extole makes the links in bulk. */
  uploadedAs: z.string().optional(),
  email: z.string().optional(),
  partnerUserId: z.string().optional(),
  /** More of a customer: what it is called, and its column. */
  columns: z.record(z.string(), z.string()),
  key: z.strictObject({
    from: z.string(),
    unwrapExcel: z.boolean(),
    scientific: z.enum(['reject', 'accept']),
    rounded: z.enum(['hold', 'accept']),
    width: z.enum(['hold', 'accept']),
  }),
});

export type CustomerRows = z.output<typeof customerRows>;

/** The name under which the people of a label are keys. */
export function linkEventName(label: string): string {
  return PREFIX + label;
}

export function labelOfEvent(eventName: string): string {
  return eventName.slice(PREFIX.length);
}

const PREFIX = 'share link: ';
