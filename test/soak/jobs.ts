import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyFiles } from '../integration/support/e2e-pgp.ts';
import { fromEnv, fromFile, USUAL_EVENT } from '../integration/support/usual-job.ts';
import type { Ready } from './orders.ts';

export const JOBS = ['openings', 'orders', 'quotes', 'sealed'] as const;
export type JobName = (typeof JOBS)[number];

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
        password: fromEnv('SFTP_PASSWORD'),
        hostKey: servers.hostKey,
        match: `${job}-*`,
        stable: { for: '0s' },
        stallTimeout: '5s',
        operationTimeout: '5s',
        connectTimeout: '5s',
      },
      ...(job === 'sealed' ? { file: { pgp: { privateKey: fromFile(pgp.secret) } } } : {}),
      event: { ...USUAL_EVENT, name: `soak_${job}` },
      destination: {
        extole: {
          account: 'acme',
          requestsPerMinute: 1_000_000,
          token: fromEnv('EXTOLE_TOKEN'),
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
    writeFileSync(join(folder, `${job}.yaml`), text, { mode: 0o600 });
  }
}
