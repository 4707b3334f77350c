import type { Io } from '../../model.ts';
import { isObject, type JsonFields, parsed } from '../json.ts';
import type { StandInReply, StandInRequest } from '../stand-in.ts';

export interface TokenOptions {
  clientId?: string;
  clientSecret?: string;
  /** MIDs that the package may act for. */
  accountIds?: readonly string[];
  /** Until a token is refused; `expires_in` says two minutes less. */
  lifeMs?: number;
}

export interface TokenDesk {
  give(request: StandInRequest, restUrl: string): StandInReply;
  knows(authorization: string | undefined): boolean;
  mayWrite(): boolean;
  setRights(write: boolean): void;
  revoke(): void;
  requests: readonly number[];
}

const FIELDS: ReadonlySet<string> = new Set(['grant_type', 'client_id', 'client_secret', 'scope', 'account_id']);

/** Gives tokens for client credentials, as `/v2/token` does. */
export function createTokens(options: TokenOptions, io: Io): TokenDesk {
  const { clientId = 'sandbox-client', clientSecret = 'sandbox-secret', lifeMs = 1_200_000 } = options;
  const requests: number[] = [];
  const given = new Map<string, number>();
  let write = true;

  return {
    requests,
    give({ method, headers, body }, restUrl) {
      requests.push(io.monotonic());
      if (method !== 'POST') return refusal(405, 'invalid_request', 'Method not allowed');
      const asked = /^application\/json\b/.test(headers['content-type'] ?? '') ? recordOf(body) : undefined;
      if (!asked || Object.keys(asked).some((name) => !FIELDS.has(name)))
        return refusal(400, 'invalid_request', 'The request is malformed.');
      if (asked.grant_type !== 'client_credentials')
        return refusal(400, 'unsupported_grant_type', 'grant_type is not supported.');
      if (asked.client_id !== clientId || asked.client_secret !== clientSecret)
        return refusal(401, 'invalid_client', 'Client authentication failed.');
      const account = asked.account_id;
      if (account !== undefined && !(options.accountIds ?? []).some((id) => id === account))
        return refusal(400, 'invalid_request', 'account_id is none of the package.');
      const token = `sandbox.${requests.length}.${Math.floor(io.random() * 1e9)}`;
      given.set(token, io.monotonic() + lifeMs);
      const answer = {
        access_token: token,
        token_type: 'Bearer',
        expires_in: Math.max(1, Math.floor((lifeMs - 121_000) / 1000)),
        scope: 'data_extensions_read data_extensions_write',
        rest_instance_url: `${restUrl}/`,
        soap_instance_url: `${restUrl}/soap/`,
      };
      return { status: 200, body: JSON.stringify(answer) };
    },
    knows(authorization) {
      const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1] ?? '';
      return (given.get(token) ?? 0) > io.monotonic();
    },
    mayWrite: () => write,
    setRights(next) {
      write = next;
    },
    revoke: () => given.clear(),
  };
}

function recordOf(body: string): JsonFields | undefined {
  const value = parsed(body);
  return isObject(value) ? value : undefined;
}

function refusal(status: number, error: string, error_description: string): StandInReply {
  return { status, body: JSON.stringify({ error, error_description }) };
}
