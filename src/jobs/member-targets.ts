import * as z from 'zod';
import { brazeMembershipSettings } from '../destinations/braze/cohorts/settings.ts';
import { audienceApiSettings } from '../destinations/extole/audiences/settings.ts';
import { hubspotListSettings } from '../destinations/hubspot/lists/settings.ts';
import { iterableListSettings } from '../destinations/iterable/lists/settings.ts';
import { klaviyoListSettings } from '../destinations/klaviyo/lists/settings.ts';
import { audienceFiles } from './audience-files.ts';
import { memberFiles } from './member-files.ts';

const targets = {
  braze: brazeMembershipSettings.optional(),
  extole: audienceApiSettings.describe('Audiences of an Extole account, by its API.').optional(),
  extoleFiles: audienceFiles.optional(),
  hubspot: hubspotListSettings.optional(),
  klaviyo: klaviyoListSettings.optional(),
  iterable: iterableListSettings.optional(),
  files: memberFiles.optional(),
};

/** Where the memberships of a job's segments go: to one place. */
export const memberTarget = z
  .strictObject(targets)
  .refine(
    (written) => Object.values(written).filter((each) => each !== undefined).length === 1,
    `expected exactly one of ${Object.keys(targets).join(', ')}`,
  )
  .describe('Where the segments are kept the same: one place for all segments of the job.');

export type MemberTargetSettings = z.output<typeof memberTarget>;

const USED = ({ braze, extole, extoleFiles, hubspot, klaviyo, iterable, files }: MemberTargetSettings) =>
  braze ?? extole ?? extoleFiles ?? hubspot ?? klaviyo ?? iterable ?? files;

/** The name of the account there. */
export function accountOf(target: MemberTargetSettings): string {
  return USED(target)?.account ?? '';
}

/** What the target knows members by. */
export function idKindOf(target: MemberTargetSettings): 'email' | 'userId' | 'alias' {
  return USED(target)?.identifyBy ?? 'userId';
}

/** What a target is called that is a single list, in which all segments would be one. */
export function onlyOne({ braze, extole, hubspot, klaviyo, iterable }: MemberTargetSettings): string | undefined {
  if (extole?.audienceId !== undefined) return `target.extole.audienceId ${extole.audienceId}`;
  for (const [name, list] of Object.entries({ hubspot, klaviyo, iterable }))
    if (list?.listId !== undefined) return `target.${name}.listId ${list.listId}`;
  if (braze?.subscription) return `target.braze.subscription ${braze.subscription.groupId}`;
  if (braze?.attribute?.form === 'boolean' && braze.attribute.name?.includes('{segment}') === false)
    return `target.braze.attribute ${braze.attribute.name}`;
  return undefined;
}

/**
 * The lists that segments are at the target, in words that two jobs have in common where theirs are the same one, and the segment of each.
 * Those that the target knows by our own id of a segment are none.
 */
export function listsOf(
  target: MemberTargetSettings,
  segments: Readonly<Record<string, string>>,
): [list: string, segment: string][] {
  const { extole, extoleFiles, hubspot, klaviyo, iterable } = target;
  const audience = (id: string): string => `the audience ${id} at extole ${accountOf(target)}`;
  const known = Object.entries({ extole, hubspot, klaviyo, iterable }).find(([, each]) => each !== undefined)?.[0];
  return Object.entries(segments).flatMap(([segment, name]): [string, string][] => {
    if (extoleFiles) {
      const id = Object.hasOwn(extoleFiles.audiences, segment) ? extoleFiles.audiences[segment] : undefined;
      return id === undefined ? [] : [[audience(id), segment]];
    }
    if (known === undefined) return [];
    if (extole?.audienceId !== undefined) return [[audience(extole.audienceId), segment]];
    const one = onlyOne(target);
    return [[one ?? `the ${extole ? 'audience' : 'list'} "${name}" at ${known} ${accountOf(target)}`, segment]];
  });
}

/** Where memberships are, in words that two jobs have in common where theirs are the same: the target, its account, and which of its ways. */
export function placeOfMembers(target: MemberTargetSettings): string {
  const [used = ''] = Object.entries(target).flatMap(([name, each]) => (each === undefined ? [] : [name]));
  const { cohort, attribute } = target.braze ?? {};
  const way = cohort ? 'cohort' : attribute ? `attribute ${attribute.name ?? ''}` : '';
  return [used, accountOf(target), way].filter((word) => word !== '').join(' ');
}
