import { resolve } from 'node:path';
import { z } from 'zod';
import { TransferError } from './model.ts';

const schema = z.object({
  REFERRY_JOBS: z.string().min(1).default('jobs'),
  REFERRY_STATE: z.string().min(1).default('.referry'),
  REFERRY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** What the environment says, typed. Folders are absolute. */
export interface Settings {
  /** Folder of the job files. */
  jobs: string;
  /** Folder of the ledger and of staged files; private. */
  state: string;
  ledger: string;
  logLevel: string;
}

/** Reads the settings; an option of the command line goes before the environment. */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  options: { jobs?: string | undefined; state?: string | undefined } = {},
): Settings {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new TransferError('SETTINGS_INVALID', `environment variable ${issue?.path.join('.')}: ${issue?.message}`, {
      hint: 'REFERRY_JOBS and REFERRY_STATE are folders, REFERRY_LOG_LEVEL is debug, info, warn, error or silent',
    });
  }
  const state = resolve(options.state ?? parsed.data.REFERRY_STATE);
  return {
    jobs: resolve(options.jobs ?? parsed.data.REFERRY_JOBS),
    state,
    ledger: resolve(state, 'ledger.sqlite'),
    logLevel: parsed.data.REFERRY_LOG_LEVEL,
  };
}
