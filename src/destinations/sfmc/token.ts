import { createHttpClient } from '../../delivery/http.ts';
import type { Answer, Io } from '../../model.ts';
import { askPatiently, type Patience, type Reply, unlessAborted } from '../patience.ts';
import { pathAt, urlProblem } from '../reach-settings.ts';
import { clean, impersonal } from '../words.ts';
import { bodyOf, errorOf, PROVIDER } from './classify.ts';
import type { SfmcSettings } from './settings.ts';

/** Leave to call. */
export interface Granted {
  token: string;
  /** Base URL of the REST API. */
  restUrl: string;
}

/** The tokens of one package and business unit. */
export interface Tokens {
  get(signal: AbortSignal): Promise<Granted | { stopped: Answer }>;
  /** Told after a 401. Whether to try once more, with another token: not where a new one was refused, too. */
  refused(token: string): boolean;
  /** Told after any other answer. */
  worked(token: string): void;
}

interface Held extends Granted {
  /** Monotonic milliseconds. */
  until: number;
  worked: boolean;
  /** It was asked for because the one before was refused. */
  second: boolean;
}

interface Shared {
  held?: Held;
  asking?: { result: Promise<Granted | { stopped: Answer }>; waiting: number; stop: AbortController };
  wasRefused: boolean;
}

/** The process's tokens: Salesforce allows one request in 20 minutes, whatever number of jobs there are. */
const shared = new Map<string, Shared>();

export function tokensFor(settings: SfmcSettings, io: Io): Tokens {
  const authUrl = settings.authUrl ?? `https://${settings.subdomain}.auth.marketingcloudapis.com`;
  // With the secret, so that a job with a wrong one is told so, and a changed one is used at once.
  const key = JSON.stringify([authUrl, settings.clientId, settings.accountId, settings.scope, settings.clientSecret]);
  const mine = shared.get(key) ?? { wasRefused: false };
  shared.set(key, mine);

  function start(): NonNullable<Shared['asking']> {
    const stop = new AbortController();
    const second = mine.wasRefused;
    const result = request(authUrl, settings, io, stop.signal)
      .then((found) => {
        if ('stopped' in found) return found;
        mine.held = { ...found.granted, until: io.monotonic() + found.lifeMs, worked: false, second };
        mine.wasRefused = false;
        return found.granted;
      })
      .finally(() => {
        if (mine.asking === asking) delete mine.asking;
      });
    const asking = { result, waiting: 0, stop };
    return asking;
  }

  return {
    async get(signal) {
      signal.throwIfAborted();
      if (mine.held && io.monotonic() < mine.held.until) return mine.held;
      const asking = mine.asking ?? start();
      mine.asking = asking;
      asking.waiting += 1;
      try {
        return await unlessAborted(asking.result, signal);
      } finally {
        asking.waiting -= 1;
        if (asking.waiting === 0 && mine.asking === asking) {
          delete mine.asking;
          asking.stop.abort();
          asking.result.catch(() => {});
        }
      }
    },
    refused(token) {
      const { held } = mine;
      if (held?.token !== token) return true;
      if (held.second && !held.worked) return false;
      delete mine.held;
      mine.wasRefused = true;
      return true;
    },
    worked(token) {
      if (mine.held?.token === token) mine.held.worked = true;
    },
  };
}

async function request(
  authUrl: string,
  settings: SfmcSettings,
  io: Io,
  signal: AbortSignal,
): Promise<{ granted: Granted; lifeMs: number } | { stopped: Answer }> {
  const { clientId, clientSecret, scope, accountId } = settings;
  const http = createHttpClient(
    {
      origin: new URL(authUrl).origin,
      connections: 1,
      headersTimeoutMs: settings.timeout.headers,
      bodyTimeoutMs: settings.timeout.headers,
      totalTimeoutMs: settings.timeout.total,
      ...(settings.ca === undefined ? {} : { tls: { ca: settings.ca } }),
      allowPrivateAddresses: settings.allowPrivateAddresses,
    },
    io,
  );
  const body = JSON.stringify({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    ...(scope === undefined ? {} : { scope }),
    ...(accountId === undefined ? {} : { account_id: accountId }),
  });
  const headers = ['Content-Type', 'application/json', 'User-Agent', 'referry'];
  const patience: Patience = {
    provider: PROVIDER,
    patienceMs: settings.patience,
    backoff: settings.backoff,
    turn: async () => {},
    closing: signal,
    io,
  };
  try {
    const asked = await askPatiently(
      () => new Promise((resolve) => http.post(pathAt(authUrl, '/v2/token'), headers, body, resolve)),
      patience,
      signal,
    );
    if ('stopped' in asked) return { stopped: nothingSent(asked.stopped) };
    return granted(asked.reply, settings, authUrl);
  } finally {
    await http.close();
  }
}

/** No row has left yet, so nothing is in doubt. */
function nothingSent(answer: Answer): Answer {
  if (answer.kind !== 'unknown') return answer;
  const { code, reason, http } = answer;
  return {
    kind: 'retryable',
    code,
    reason: `no token, so no row was sent: ${reason}`,
    ...(http === undefined ? {} : { http }),
  };
}

function granted(
  reply: Reply,
  settings: SfmcSettings,
  authUrl: string,
): { granted: Granted; lifeMs: number } | { stopped: Answer } {
  const { status } = reply;
  if (status !== 200) return { stopped: noToken(reply, settings.clientSecret) };
  const object = bodyOf(reply);
  const { access_token: token, expires_in: seconds, rest_instance_url: rest } = object ?? {};
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    return halted('BAD_ANSWER', `${PROVIDER} answered 200 without a token; check subdomain and authUrl`, 200);
  const restUrl = settings.restUrl ?? (typeof rest === 'string' ? rest : '');
  if (settings.restUrl === undefined && !isTheirs(restUrl, authUrl))
    return halted(
      'MISROUTED',
      'the address that came with the token is none of Salesforce; set restUrl if it is right',
      200,
    );
  const life = typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : 0;
  // Beyond its life it is tried all the same until another may be asked for; a 401 then says that it is over.
  return { granted: { token, restUrl }, lifeMs: Math.max(settings.tokenEvery, life * 0.9) };
}

function noToken(reply: Reply, secret: string): Answer {
  const object = bodyOf(reply);
  const words = [object?.error, object?.error_description].filter((word) => typeof word === 'string').join(': ');
  const said = impersonal(clean((words || errorOf(reply).message).replaceAll(secret, '(not shown)')));
  const { status } = reply;
  const reason = `${PROVIDER} gave no token (${status}${said === '' ? '' : ` ${said}`}): `;
  if (status === 400 || status === 401)
    return {
      kind: 'halted',
      code: 'UNAUTHORIZED',
      reason: `${reason}check subdomain, clientId, clientSecret, accountId and scope`,
      http: status,
    };
  if (status === 403)
    return {
      kind: 'halted',
      code: 'FORBIDDEN',
      reason: `${reason}the package may not be used so; ask its owner`,
      http: status,
    };
  return { kind: 'halted', code: 'MISROUTED', reason: `${reason}check subdomain and authUrl`, http: status };
}

function halted(code: string, reason: string, http: number): { stopped: Answer } {
  return { stopped: { kind: 'halted', code, reason, http } };
}

/** A token is sent to where the rows go, so not anywhere. */
function isTheirs(url: string, authUrl: string): boolean {
  if (urlProblem(url, '') !== undefined) return false;
  const { hostname } = new URL(url);
  return hostname.endsWith('.marketingcloudapis.com') || hostname === new URL(authUrl).hostname;
}
