import type { HubspotSource } from '../../../jobs/customer-sources.ts';
import { nameOfPush, placeOfPush } from '../../../jobs/push-targets.ts';
import { openLinkBook } from '../../../ledger/links.ts';
import { openAgain } from '../../../ledger/push-again.ts';
import { destinationId } from '../../../ledger/registry.ts';
import type { GatherContext } from './gather.ts';

/** HubSpot's search is seconds behind: who was given a link just now may be listed as one without. */
const NOT_SHOWN_YET_MS = 300_000;

export interface Contact {
  /** HubSpot's record id. */
  id: string;
  email?: string | undefined;
  userId?: string | undefined;
}

/**
 * For contacts that HubSpot lists as being without a link: those whom a push of the job gave theirs lost it, or were deleted and made
 * anew. Their row is a duplicate and their link has not changed, so that nothing else would make the push send it again.
 */
export function pushAgain(
  { job, ledger, io, links }: Pick<GatherContext, 'job' | 'ledger' | 'io' | 'links'>,
  { account, property }: HubspotSource,
): (contacts: readonly Contact[]) => void {
  const targets = (job.push ?? []).filter(
    (target) => target.provider === 'hubspot' && target.account === account && Object.hasOwn(target.fields, property),
  );
  if (!links || targets.length === 0) return () => {};
  const book = openLinkBook(ledger, links);
  return (contacts) => {
    const known = contacts.flatMap(({ id, email, userId }) => {
      const link = book.find({ email, partnerUserId: userId });
      if (!link) return [];
      // Two contacts may have one id of ours: without the e-mail of the link it is only known to be the one that was given it by its record.
      const isSure = link.email === null || link.email === email;
      return [isSure ? { link: link.id } : { link: link.id, remoteId: id }];
    });
    if (known.length === 0) return;
    for (const target of targets) {
      const to = { target: nameOfPush(target), destinationId: destinationId(ledger, placeOfPush(target)) };
      const givenBefore = io.now() - NOT_SHOWN_YET_MS;
      const again = openAgain(ledger, { ...to, job: job.id, links: known, givenBefore });
      if (again > 0)
        io.log.info({ job: job.id, target: to.target, links: again }, 'HubSpot has lost links, they are pushed again');
    }
  };
}
