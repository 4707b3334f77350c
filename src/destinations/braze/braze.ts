import type { Io } from '../../model.ts';
import { createCallSender, type Prepared } from '../calls.ts';
import type { Profile, ProfileSender } from '../profile.ts';
import { withoutProfile } from '../words.ts';
import { createApi } from './api.ts';
import type { BrazeSettings } from './settings.ts';
import { trackBody, trackUsers } from './track.ts';

/**
 * Brings users of a Braze workspace up to date by their attributes. Attributes only: events would count twice where a call is made
 * again. Each attribute that is sent costs a data point, changed or not, so the caller hands in only what changed.
 */
export function createBraze(settings: BrazeSettings, io: Io): ProfileSender {
  const api = createApi(settings, io);
  const rows = settings.usersPerCall;
  const bytes = settings.bytesPerCall - Buffer.byteLength(trackBody([]));

  return createCallSender({
    prepare: (profile) => userOf(profile, settings),
    bounds: { rows, bytes },
    call: (users, signal) => trackUsers(users, api, signal),
    masked: withoutProfile,
    close: () => api.close(),
  });
}

/** What names a user or says how to treat one, and can therefore be no attribute. */
const RESERVED: readonly string[] = ['external_id', 'user_alias', 'braze_id', '_update_existing_only'];

function userOf(profile: Profile, settings: BrazeSettings): Prepared {
  const { fields } = profile;
  const reserved = RESERVED.find((name) => Object.hasOwn(fields, name));
  if (reserved !== undefined) {
    const reason = `a field has the name ${reserved}, which Braze reads as something else: choose another name`;
    return { refused: { kind: 'rejected', code: 'FIELD_RESERVED', reason } };
  }
  const named = identifierOf(profile, settings);
  if (named === undefined) {
    const reason = `the person has no external_id (externalId: ${settings.externalId}), and nothing that withoutExternalId: ${settings.withoutExternalId} allows`;
    return { refused: { kind: 'rejected', code: 'NO_IDENTIFIER', reason } };
  }
  const [kind, identifier] = named;
  const user = { ...fields, [kind]: identifier, _update_existing_only: settings.updateExistingOnly };
  return { json: JSON.stringify(user), kind };
}

/** What names the user, with the field that it goes in. */
function identifierOf(
  { email, userId }: Profile,
  settings: BrazeSettings,
): [kind: string, identifier: unknown] | undefined {
  const { externalId, withoutExternalId, aliasLabel } = settings;
  const external = { userId, email, none: undefined }[externalId];
  if (external !== undefined) return ['external_id', external];
  if (withoutExternalId === 'email') return email === undefined ? undefined : ['email', email];
  const alias = email ?? userId;
  if (withoutExternalId === 'reject' || alias === undefined) return undefined;
  return ['user_alias', { alias_name: alias, alias_label: aliasLabel }];
}
