import type { ExportAccount, PushAccount } from '../../src/accounts.ts';
import type { RunAccount } from '../../src/model.ts';
import { fileAccount, runAccount, SCRIPT } from './reports-fixture.ts';

const counts = { read: 0, delivered: 0, duplicate: 0, conflict: 0, rejected: 0, failed: 0, held: 0, open: 0 };

export function exportAccount(more: Partial<ExportAccount> = {}): ExportAccount {
  return {
    ...{ job: 'share-links', export: 'e7', target: 'hubspot-csv', format: 'hubspot-csv', kind: 'changes' as const },
    ...{ state: 'published' as const, place: 'sftp://referry@files.example.com/outbox', read: 1204, rows: 1200 },
    leftOut: { IDENTIFIER_MISSING: 3, LINK_INVALID: 1 },
    files: [
      '/outbox/hubspot-share-links-20261121-060000.csv',
      '/outbox/hubspot-share-links-20261121-060000.csv.manifest.json',
    ],
    balanced: true,
    ...more,
  };
}

export function pushAccount(more: Partial<PushAccount> = {}): PushAccount {
  return {
    ...{ job: 'share-links', push: 'u3', target: 'crm', provider: 'hubspot', account: 'acme', state: 'done' as const },
    counts: { ...counts, read: 1204, delivered: 1190, duplicate: 9, rejected: 5 },
    reasons: [
      {
        ...{ outcome: 'rejected', code: 'VALIDATION_ERROR', count: 5 },
        examples: [{ line: 18, reason: 'Email address (not shown) is invalid' }],
      },
    ],
    resultsPath: '/results/push-crm-20261121T060000Z.results.csv',
    balanced: true,
    ...more,
  };
}

/** A run of share links with a target of each state. */
export function shareLinksRun(): RunAccount {
  const shares: [['delivered', number, string, string], ['held', number, string, string]] = [
    ['delivered', 1204, '', ''],
    ['held', 2, 'SEVERAL_PROFILES', 'the e-mail leads to 2 profiles'],
  ];
  const shrunk = 'the snapshot has 5 rows, the last one had 1,200: 0.4 % of it, and at least 960 rows are expected';
  return runAccount([fileAccount({ name: 'customers-20261121.csv', shares })], {
    job: 'share-links',
    exports: [
      exportAccount(),
      exportAccount({
        ...{ export: 'e8', target: 'sfmc', format: 'sfmc-csv', kind: 'snapshot', state: 'held', read: 5, rows: 5 },
        ...{ leftOut: {}, files: [] },
        why: { code: 'EXPORT_SHRUNK', message: shrunk, hint: 'look whether the source is whole; referry release e8' },
      }),
      exportAccount({
        ...{ export: '', target: SCRIPT.slice(0, 60), state: 'open', read: 0, rows: 0, leftOut: {}, files: [] },
        why: { code: 'SFTP_UNREACHABLE', message: `${'very-long-host-name.'.repeat(9)}example.com did not answer` },
      }),
    ],
    pushes: [
      pushAccount(),
      pushAccount({
        ...{ push: 'u4', target: 'mail', provider: 'klaviyo', state: 'open', reasons: [] },
        counts: { ...counts, read: 1204, delivered: 400, open: 804 },
        why: { code: 'UNAUTHORIZED', message: `Klaviyo answered 401 (${SCRIPT}): check apiKey` },
      }),
    ],
  });
}
