import { type Io, TransferError } from '../../../model.ts';
import type { MembershipTarget } from '../../membership.ts';
import { createAttribute } from './attribute.ts';
import { createCohort } from './cohorts.ts';
import type { BrazeMembershipSettings } from './settings.ts';
import { createSubscription } from './subscription.ts';

/** The way to one segment's members at Braze that the settings have. */
export function createBrazeMembership(settings: BrazeMembershipSettings, io: Io): MembershipTarget {
  const { cohort, attribute, subscription } = settings;
  if (cohort) return createCohort(settings, cohort, io);
  if (attribute) return createAttribute(settings, attribute, io);
  if (subscription) return createSubscription(settings, subscription, io);
  throw new TransferError('CONFIGURATION', 'the settings of Braze have neither cohort nor attribute nor subscription');
}
