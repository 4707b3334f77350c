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
  /** The settings that say where the provider is. Default: the URL setting. */
  where?: string;
  /** What to look at after answers by which the call went to a wrong place, where more can be said than that. By status. */
  misrouted?: Readonly<Record<number, string>>;
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

function meaningOf(status: number, words: HaltWords): [code: string, hint: string] {
  const { provider, unauthorized, forbidden, where = 'the URL setting', misrouted = {} } = words;
  if (status === 401) return ['UNAUTHORIZED', unauthorized];
  if (status === 402) return ['PAYMENT_REQUIRED', `the account is unpaid; ask ${provider}`];
  if (status === 403) return ['FORBIDDEN', forbidden];
  if (status === 415) return ['UNSUPPORTED_MEDIA_TYPE', `JSON is not accepted there; check ${where}`];
  const hint = misrouted[status];
  if (hint !== undefined) return ['MISROUTED', hint];
  if (status < 400 || status === 404 || status === 405 || status === 421)
    return ['MISROUTED', `this is not the API of ${provider}; check ${where}`];
  return ['UNEXPECTED_STATUS', `${provider} does not document this answer; check ${where} and any proxy`];
}

/** A look that got no answer leaves no doubt about what was to follow it: nothing was changed. */
export function afterLookingUp(answer: Answer): Answer {
  if (answer.kind !== 'unknown') return answer;
  return { ...answer, kind: 'retryable', code: 'LOOKUP_FAILED' };
}

/** What is answered to a question about rows that were handed in before says nothing against their having been accepted. */
export function afterHandingIn(answer: Answer): Answer {
  if (answer.kind === 'halted') return { ...answer, doubtful: true };
  if (answer.kind !== 'retryable') return answer;
  return { ...answer, kind: 'unknown' };
}
