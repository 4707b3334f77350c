import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyFiles } from '../integration/support/e2e-pgp.ts';
import type { Ready } from './orders.ts';

export const JOBS = ['openings', 'orders', 'quotes', 'sealed'] as const;
export type JobName = (typeof JOBS)[number];

const ref = (kind: 'env' | 'file', name: string): string => `\${${kind}:${name}}`;

/** Four jobs on one inbox: a request a row, asynchronous requests, a file for a person to upload, and an encrypted feed. */
export function writeJobs(folder: string, servers: Ready, pgp: KeyFiles, byHand: string): void {
  const lanes: Record<JobName, object> = {
    openings: { lane: 'async-events' },
    orders: { lane: 'events' },
    quotes: { lane: 'folder', folder: { path: byHand } },
    sealed: { lane: 'async-events' },
  };
  for (const job of JOBS) {
    const text = JSON.stringify({
      pipeline: 'deliver-events',
      schedule: '* * * * *',
      timezone: 'America/New_York',
      source: {
        url: `sftp://partner@127.0.0.1:${servers.sftpPort}/inbox`,
        password: ref('env', 'SFTP_PASSWORD'),
        hostKey: servers.hostKey,
        match: `${job}-*`,
        stable: { for: '0s' },
        stallTimeout: '5s',
        operationTimeout: '5s',
        connectTimeout: '5s',
      },
      ...(job === 'sealed' ? { file: { pgp: { privateKey: ref('file', pgp.secret) } } } : {}),
      event: {
        name: `soak_${job}`,
        key: 'id',
        time: 'at',
        data: {
          email: 'email',
          partner_user_id: 'member',
          cart_value: { from: 'amount', type: 'money', currency: 'USD', locale: 'plain' },
        },
      },
      destination: {
        extole: {
          account: 'acme',
          requestsPerMinute: 1_000_000,
          token: ref('env', 'EXTOLE_TOKEN'),
          apiUrl: servers.extoleUrl,
          eventsUrl: servers.extoleUrl,
          ...lanes[job],
        },
      },
      delivery: {
        backoff: { first: '50ms', cap: '1s' },
        timeout: { headers: '10s', total: '15s' },
        concurrency: { start: 4, max: 16 },
        maxAmbiguous: 50,
        maxAttempts: 50,
      },
      // Staged files go as soon as they are final: what is left at the end is a leftover.
      retention: { days: 0 },
    });
    writeFileSync(join(folder, `${job}.yaml`), text);
  }
}
