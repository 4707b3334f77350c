import type { Answer } from '../../model.ts';
import type { Profile } from '../profile.ts';
import type { ImportError } from './classify.ts';
import { PROVIDER } from './classify.ts';

/** What Klaviyo counted of an import job. */
export interface JobCounts {
  total: number | undefined;
  failed: number | undefined;
}

/**
 * Answers for the profiles of an import job that has errors, by the place or the identifiers that each error names. Where an error names
 * nobody for certain, or as many are not refused as Klaviyo counted, the others are not known to be accepted.
 */
export function placed(
  errors: readonly ImportError[],
  profiles: readonly Profile[],
  counts: JobCounts,
  accepted: Answer,
  incomplete: Answer,
): Answer[] {
  const byEmail = indexBy(profiles, ({ email }) => email);
  const byUserId = indexBy(profiles, ({ userId }) => userId);
  const refused = new Map<number, Answer>();
  let unplaced = 0;
  for (const error of errors) {
    const at = placeOf(error, profiles, byEmail, byUserId);
    if (at === undefined) unplaced += 1;
    // A profile may have several errors; the first says enough.
    else if (!refused.has(at)) refused.set(at, answerOf(error));
  }
  const sure = unplaced === 0 && counts.failed === refused.size && counts.total === profiles.length;
  return profiles.map((_profile, at) => refused.get(at) ?? (sure ? accepted : incomplete));
}

/** `undefined` where the error names nobody, or the place and the identifiers are of different persons. */
function placeOf(
  { index, email, externalId }: ImportError,
  profiles: readonly Profile[],
  byEmail: ReadonlyMap<string, number>,
  byUserId: ReadonlyMap<string, number>,
): number | undefined {
  const named = (email === undefined ? undefined : byEmail.get(email)) ?? byUserId.get(externalId ?? '');
  if (index === undefined) return named;
  if (index >= profiles.length) return undefined;
  return named === undefined || named === index ? index : undefined;
}

/** Codes that say nothing against the profile. */
const AGAIN = /^(?:throttled|timeout|internal(?:_\w+)?|server_error|service_unavailable)$/i;

function answerOf({ code, words }: ImportError): Answer {
  const reason = words || `${PROVIDER} refused the profile`;
  if (AGAIN.test(code)) return { kind: 'retryable', code, reason, http: 200 };
  return { kind: 'rejected', code: code || 'ROW_REFUSED', reason, http: 200 };
}

function indexBy(profiles: readonly Profile[], of: (profile: Profile) => string | undefined): Map<string, number> {
  const places = new Map<string, number>();
  for (const [at, profile] of profiles.entries()) {
    const id = of(profile);
    if (id !== undefined) places.set(id, at);
  }
  return places;
}
