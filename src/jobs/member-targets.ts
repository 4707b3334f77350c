import * as z from 'zod';
import { brazeMembershipSettings } from '../destinations/braze/cohorts/settings.ts';
import { audienceApiSettings } from '../destinations/extole/audiences/settings.ts';

/** Where the memberships of a job's segments go: to one place. */
export const memberTarget = z
  .strictObject({
    braze: brazeMembershipSettings.optional(),
    extole: audienceApiSettings.describe('Audiences of an Extole account, by its API.').optional(),
  })
  .refine((written) => chosen(written).length === 1, 'expected exactly one of braze and extole')
  .describe('Where the segments are kept the same: one place for all segments of the job.');

export type MemberTargetSettings = z.output<typeof memberTarget>;

function chosen(written: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(written).filter((name) => written[name] !== undefined);
}

/** The name of the account there. */
export function accountOf({ braze, extole }: MemberTargetSettings): string {
  return (braze ?? extole)?.account ?? '';
}

/** What a target is called that is a single list, in which all segments would be one. */
export function onlyOne({ braze, extole }: MemberTargetSettings): string | undefined {
  if (extole?.audienceId !== undefined) return `target.extole.audienceId ${extole.audienceId}`;
  if (braze?.subscription) return `target.braze.subscription ${braze.subscription.groupId}`;
  if (braze?.attribute?.form === 'boolean' && braze.attribute.name?.includes('{segment}') === false)
    return `target.braze.attribute ${braze.attribute.name}`;
  return undefined;
}

/** What the target knows members by. */
export function idKindOf({ braze, extole }: MemberTargetSettings): 'email' | 'userId' | 'alias' {
  return (braze ?? extole)?.identifyBy ?? 'userId';
}
