import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Processing } from '../../ledger/processings.ts';
import { type RunContext, stagedPaths } from './context.ts';

/** Where a local input came from, kept beside its staged copy: it is in no archive, so a restored ledger finds it by this alone. */
export interface Origin {
  job: string;
  name: string;
  inboxPath: string;
}

const NAME = 'origin.json';

export async function noteOrigin(ctx: RunContext, { id, job, name, inboxPath }: Processing): Promise<void> {
  const { folder } = stagedPaths(ctx.staging, id);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const origin: Origin = { job, name, inboxPath };
  await writeFile(join(folder, NAME), JSON.stringify(origin), { mode: 0o600, flush: true });
}

/** Staged copies of local inputs of a job, by the number of their processing. */
export function stagedOrigins(ctx: RunContext): { processing: number; input: string; origin: Origin }[] {
  const names = existsSync(ctx.staging) ? readdirSync(ctx.staging) : [];
  return names.flatMap((name) => {
    const processing = Number(/^p(\d+)$/.exec(name)?.[1] ?? 0);
    const { folder, input } = stagedPaths(ctx.staging, processing);
    const path = join(folder, NAME);
    if (processing === 0 || !existsSync(path) || !existsSync(input)) return [];
    const origin: Origin = JSON.parse(readFileSync(path, 'utf8'));
    return origin.job === ctx.job.id ? [{ processing, input, origin }] : [];
  });
}
