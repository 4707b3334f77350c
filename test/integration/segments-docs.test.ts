import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { PROJECT } from './support/cli.ts';
import { checkShown, shownJobs } from './support/new-user.ts';

const page = await readFile(join(PROJECT, 'docs/segments.md'), 'utf8');

test('docs/segments.md: the jobs that it shows are right', async () => {
  const shown = shownJobs(page);
  expect(shown.map((text) => parse(text).pipeline)).toEqual(new Array(3).fill('sync-segment'));
  expect(await checkShown(shown, ['sftp_key', 'extole_token', 'braze_partner_key', 'braze_import_key'])).toMatchObject({
    ok: true,
    // The job that delivers is not beside it here.
    problems: [{ severity: 'warning', field: 'members.ledger.jobs.0' }],
  });
});

test('docs/segments.md names every guard', async () => {
  const guards = await readFile(join(PROJECT, 'src/pipelines/sync-segment/guards.ts'), 'utf8');
  const codes = [...guards.matchAll(/'(SEGMENT_[A-Z_]+)'/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(5);
  for (const code of codes) expect(page).toContain(`| \`${code}\` |`);
});
