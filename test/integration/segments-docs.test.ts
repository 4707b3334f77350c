import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadJobs } from '../../src/jobs/load.ts';
import { PROJECT } from './support/cli.ts';

const page = await readFile(join(PROJECT, 'docs/segments.md'), 'utf8');

test('docs/segments.md: the jobs that it shows are right', async () => {
  const shown = [...page.matchAll(/<!-- job -->\n```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  expect(shown).toHaveLength(2);
  const folder = await mkdtemp(join(tmpdir(), 'referry-shown-'));
  try {
    for (const secret of ['sftp_key', 'extole_token', 'braze_partner_key', 'braze_import_key'])
      await writeFile(join(folder, secret), 'secret', { mode: 0o600 });
    for (const [i, text] of shown.entries())
      await writeFile(join(folder, `shown-${i}.yaml`), text.replaceAll('/run/secrets/', ''));
    const { jobs, problems } = await loadJobs(folder, {});
    expect(problems).toEqual([]);
    expect(jobs.map(({ pipeline }) => pipeline)).toEqual(['sync-segment', 'sync-segment']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('docs/segments.md names every guard', async () => {
  const guards = await readFile(join(PROJECT, 'src/pipelines/sync-segment/guards.ts'), 'utf8');
  const codes = [...guards.matchAll(/'(SEGMENT_[A-Z_]+)'/g)].map(([, code = '']) => code);
  expect(codes.length).toBeGreaterThan(5);
  for (const code of codes) expect(page).toContain(`| \`${code}\` |`);
});
