import type { Answer } from '../model.ts';
import type { Reply } from './patience.ts';

/** What a provider's refusal of everything means, in words for whoever keeps the settings. */
export interface HaltWords {
  provider: string;
  /** The provider's own words on it, made safe; empty where it gave none. */
  said: string;
  /** What to look at after a 401. */
  unauthorized: string;
  /** What the credential lacks after a 403. */
  forbidden: string;
}

/**
 * For an answer that is neither a yes, nor a refusal of rows, nor trouble that passes: nothing more is sent until a person has
 * looked. `meant`: the status that would fit what the provider says, where it answers with another one.
 */
export function haltOf(reply: Reply, words: HaltWords, meant = reply.status): Extract<Answer, { kind: 'halted' }> {
  const [code, hint] = meaningOf(meant, words);
  const said = words.said === '' ? '' : ` (${words.said})`;
  return {
    kind: 'halted',
    code,
    reason: `${words.provider} answered ${reply.status}${said}: ${hint}`,
    http: reply.status,
  };
}

function meaningOf(status: number, { provider, unauthorized, forbidden }: HaltWords): [code: string, hint: string] {
  if (status === 401) return ['UNAUTHORIZED', unauthorized];
  if (status === 402) return ['PAYMENT_REQUIRED', `the account is unpaid; ask ${provider}`];
  if (status === 403) return ['FORBIDDEN', forbidden];
  if (status === 415) return ['UNSUPPORTED_MEDIA_TYPE', 'JSON is not accepted there; check the URL setting'];
  if (status < 400 || status === 404 || status === 405 || status === 421)
    return ['MISROUTED', `this is not the API of ${provider}; check the URL setting`];
  return ['UNEXPECTED_STATUS', `${provider} does not document this answer; check the URL setting and any proxy`];
}
