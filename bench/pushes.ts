/** How the push to one tool is measured. */
export interface PushPlan {
  /** Rows a second that the tool's limit allows; absent where it names none. */
  allowed?: number;
  /** `push` of a job, beside the provider and the account. */
  settings(url: string): object;
  /** For people: the limit, and what of it is not as documented. */
  limit: string;
}

/** Rows of one measurement. */
export const PUSHED_ROWS = 100_000;

export const PUSHES: Readonly<Record<string, PushPlan>> = {
  hubspot: {
    // A hundred contacts take two calls: looked up, then made or changed.
    allowed: (19 / 2) * 100,
    settings: (url) => ({ url, token: 'sandbox-hubspot-token', requestsPer10Seconds: 190 }),
    limit: '190 calls in ten seconds, two for 100 contacts',
  },
  klaviyo: {
    // Jobs as large as Klaviyo takes them would be through before the limit is felt.
    allowed: (150 / 60) * 500,
    settings: (url) => ({ url, apiKey: 'pk_sandbox', profilesPerJob: 500 }),
    limit: '150 import jobs a minute, of 500 profiles so that there are 200 of them',
  },
  iterable: {
    allowed: 5 * 1000,
    settings: (url) => ({ url, apiKey: 'sandbox-iterable-key' }),
    limit: '5 calls a second, of 1000 users',
  },
  braze: {
    // At the whole limit this measures how fast the machine reads and writes JSON.
    allowed: 50 * 75,
    settings: (url) => ({ url, apiKey: 'sandbox-braze-key', externalId: 'email', requestsPerSecond: 50 }),
    limit: '75 users a call, at a twentieth of the 3000 calls in three seconds',
  },
  sfmc: {
    settings: (url) => ({
      ...{ subdomain: 'mc-bench', authUrl: url, dataExtension: { key: 'Extole_Share_Links' } },
      ...{ clientId: 'sandbox-client', clientSecret: 'sandbox-secret' },
    }),
    limit: 'none documented; 10,000 rows a call, 120 calls a minute as the job sets it',
  },
};
