import { createBrazeMembership } from '../../destinations/braze/cohorts/open.ts';
import { createAudience } from '../../destinations/extole/audiences/audiences.ts';
import { createHubspotList } from '../../destinations/hubspot/lists/lists.ts';
import { createIterableList } from '../../destinations/iterable/lists/lists.ts';
import { createKlaviyoList } from '../../destinations/klaviyo/lists/lists.ts';
import type { MembershipTarget } from '../../destinations/membership.ts';
import type { MemberTargetSettings } from '../../jobs/member-targets.ts';
import { type DestinationIdentity, type Io, TransferError } from '../../model.ts';

/** A way to one segment's members at the target that a job names. Nothing is sent before it is asked for. */
export function openTarget(settings: MemberTargetSettings, io: Io): MembershipTarget {
  const { braze, extole, hubspot, klaviyo, iterable } = settings;
  if (braze) return createBrazeMembership(braze, io);
  if (extole) return createAudience(extole, io);
  if (hubspot) return createHubspotList(hubspot, io);
  if (klaviyo) return createKlaviyoList(klaviyo, io);
  if (iterable) return createIterableList(iterable, io);
  throw new TransferError('CONFIGURATION', 'the job names no target');
}

/** Whose memberships these are: the URL and the credential may change without changing it. */
export function identityOf(settings: MemberTargetSettings, io: Io): DestinationIdentity {
  const target = openTarget(settings, io);
  const { provider, account, target: container } = target.identity;
  // Nothing was sent, so there is nothing to wait for.
  target.close().catch(() => {});
  return { provider, account, container };
}
