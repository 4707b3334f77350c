import type { Io } from '../../../model.ts';
import type { Prepared } from '../../calls.ts';
import type { MembershipTarget } from '../../membership.ts';
import { createChangeSender } from '../../membership-calls.ts';
import { createApi } from '../api.ts';
import { trackBody, trackUsers } from '../track.ts';
import type { BrazeMembershipSettings } from './settings.ts';

type AttributeSettings = NonNullable<BrazeMembershipSettings['attribute']>;

const MAX_BODY_BYTES = 4_000_000;

/** The membership as a custom attribute, for those without a partner key: true or false, or the segment's id in a list. Makes no users. */
export function createAttribute(
  settings: BrazeMembershipSettings,
  attribute: AttributeSettings,
  io: Io,
): MembershipTarget {
  const { apiKey, form, usersPerCall, requestsPerSecond } = attribute;
  const template = attribute.name ?? (form === 'boolean' ? 'segment_{segment}' : 'segments');
  const api = createApi({ ...settings, apiKey, requestsPerSecond }, io);
  let segment = '';

  function userOf(id: string, add: boolean): Prepared {
    const value = form === 'boolean' ? add : { [add ? 'add' : 'remove']: [segment] };
    const user = { ...nameOf(id, settings), _update_existing_only: true, [nameIn(template, segment)]: value };
    return { json: JSON.stringify(user), kind: 'user' };
  }

  const sender = createChangeSender({
    prepare: ({ id, add }) => userOf(id, add),
    bounds: { rows: usersPerCall, bytes: MAX_BODY_BYTES - Buffer.byteLength(trackBody([])) },
    call: (users, signal) => trackUsers(users, api, signal),
    close: () => api.close(),
  });

  return {
    ...sender,
    maxBatchSize: usersPerCall,
    quietMs: attribute.quiet,
    identity: { provider: 'braze', account: settings.account, target: `attribute ${template}` },
    idKind: settings.identifyBy,
    async prepare({ id }) {
      segment = id;
      return { targetId: nameIn(template, id) };
    },
  };
}

const nameIn = (template: string, segment: string): string => template.replace('{segment}', segment);

function nameOf(id: string, { identifyBy, aliasLabel }: BrazeMembershipSettings): object {
  if (identifyBy === 'email') return { email: id };
  return identifyBy === 'userId' ? { external_id: id } : { user_alias: { alias_name: id, alias_label: aliasLabel } };
}
