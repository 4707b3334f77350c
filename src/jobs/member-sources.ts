import * as z from 'zod';
import type { MemberIdKind } from '../destinations/membership.ts';
import { sayPlaintext, sourceOfDelivered } from './customer-sources.ts';

/** Members are the people of rows that this ledger has seen delivered within some days. */
export const deliveredMembers = z
  .strictObject({
    jobs: sourceOfDelivered.jobs,
    events: sourceOfDelivered.events,
    days: z
      .int()
      .min(1)
      .max(3650)
      .describe(
        'Who was delivered in so many days is in the segment: today and the days before it, in `timezone`. Who was not any more leaves it at midnight. Those jobs must keep their staged files at least so long (retention.days).',
      ),
    id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'The field of those events, as event.data names it, that is the id by which the target knows people. Default: email where it knows them by e-mail, else partner_user_id.',
      ),
    pgp: sourceOfDelivered.pgp.describe(
      'The private key that the files of those jobs are encrypted to, where they come encrypted. The members then lie decrypted on the disk of this machine, which allowPlaintextUploads: true allows.',
    ),
  })
  .superRefine(sayPlaintext('the members are written to a file, which lies decrypted on this machine'))
  .describe('With from: ledger, whose rows count: the people of rows that other jobs delivered.');

export type DeliveredMembers = z.output<typeof deliveredMembers>;

/** The field of an event that says who its person is. */
export function fieldOfMember({ id }: Pick<DeliveredMembers, 'id'>, idKind: MemberIdKind): string {
  return id ?? (idKind === 'email' ? 'email' : 'partner_user_id');
}
