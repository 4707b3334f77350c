import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatProblem, loadJobs } from '../../src/jobs/load.ts';

test.each([
  ['source', 'url: "sftp://partner:hunter2@host/inbox"'],
  ['source', 'url: "sftp://partner:hun@ter2@host/inbox"'],
  ['source', 'password: { of: "sftp://partner:hunter2@host" }'],
  ['destination', 'extole: { apiUrl: "https://u:hunter2@api.extole.io" }'],
])('a password that is written in a URL is not repeated by what refuses it: %s %s', async (block, line) => {
  const folder = await mkdtemp(join(tmpdir(), 'referry-secrets-'));
  try {
    await writeFile(join(folder, 'a.yaml'), `pipeline: deliver-events\n${block}:\n  ${line}\n`);
    const { problems } = await loadJobs(folder, {});
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.map(formatProblem).join('\n')).not.toMatch(/hunter2|ter2@/);
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|ter2@/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
