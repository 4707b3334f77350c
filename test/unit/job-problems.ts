import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadJobs } from '../../src/jobs/load.ts';

/** Jobs as they are written, by name; what is wrong with them. */
export async function problemsOf(jobs: Record<string, object>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'referry-check-'));
  try {
    for (const [name, job] of Object.entries(jobs))
      await writeFile(join(folder, `${name}.yaml`), JSON.stringify(job), { mode: 0o600 });
    const { problems } = await loadJobs(folder, { EXTOLE: 'token', HUBSPOT: 'token' });
    return problems.map(({ field, message, severity }) => `${severity} ${field}: ${message}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
