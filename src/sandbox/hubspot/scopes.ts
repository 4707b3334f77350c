import { parsed } from '../json.ts';
import type { StandInReply, StandInRequest } from '../stand-in.ts';
import { ok, refusal, wrong } from './errors.ts';
import { fieldsOf, isProblem } from './fields.ts';

/** What an app may be allowed to do. */
export const SCOPES = [
  'crm.objects.contacts.read',
  'crm.objects.contacts.write',
  'crm.schemas.contacts.write',
  'crm.import',
  'crm.lists.read',
  'crm.lists.write',
] as const;

export const TOKEN_INFO = '/oauth/v2/private-apps/get/access-token-info';

/** The scope that a call needs. */
export function scopeFor(path: string, method: string): string {
  if (path.startsWith('/crm/v3/lists')) return method === 'GET' ? 'crm.lists.read' : 'crm.lists.write';
  if (path.startsWith('/crm/v3/imports')) return 'crm.import';
  if (path.startsWith('/crm/v3/properties/')) return 'crm.schemas.contacts.write';
  return /\/(?:search|batch\/read)$/.test(path) ? 'crm.objects.contacts.read' : 'crm.objects.contacts.write';
}

export function missingScope(scope: string): StandInReply {
  const body = {
    status: 'error',
    message: "This app hasn't been granted all required scopes to make this call.",
    category: 'MISSING_SCOPES',
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredGranularScopes: [scope] },
      },
    ],
  };
  return { status: 403, body: JSON.stringify(body) };
}

/** Says what a private app's token may do. */
export function tokenInfo({ method, body }: StandInRequest, token: string, scopes: ReadonlySet<string>): StandInReply {
  if (method !== 'POST') return { status: 405, body: '' };
  const asked = fieldsOf(parsed(body), ['tokenKey'], 'the body');
  if (isProblem(asked)) return refusal(asked);
  if (asked.tokenKey !== token) return refusal(wrong('the token is not known'));
  return ok({ userId: 1, hubId: 1, appId: 1, scopes: [...scopes] });
}
