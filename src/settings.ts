import { resolve } from 'node:path';
import { z } from 'zod';
import { TransferError } from './model.ts';

/** `03:00`, or `03:00 America/New_York`; without a zone the machine's own. */
const timeOfDay = z
  .string()
  .regex(
    /^(?:[01]?\d|2[0-3]):[0-5]\d(?: [A-Za-z0-9_+/-]+)?$/,
    'found no time of day, such as 03:00 or "03:00 America/New_York"',
  )
  .refine(
    (text) => isZone(text.split(' ')[1]),
    'the zone after the time is not known; use a name such as America/New_York',
  );

const address = z
  .string()
  .regex(/^(?:(?:\[[0-9A-Fa-f:.]+\]|[^\s:[\]]*):)?\d{1,5}$/, 'found no address, such as 127.0.0.1:9464')
  .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, 'a port is at most 65535');

const schema = z.object({
  REFERRY_JOBS: z.string().min(1).default('jobs'),
  REFERRY_STATE: z.string().min(1).default('.referry'),
  REFERRY_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  REFERRY_LISTEN: address.optional(),
  REFERRY_RECEIVE: address.optional(),
  REFERRY_BACKUP_AT: timeOfDay.optional(),
  REFERRY_BACKUP_TO: z.string().min(1).optional(),
  REFERRY_BACKUP_KEEP: z.coerce.number().int('a whole number is needed').min(1).max(10_000).default(14),
  REFERRY_PRUNE_AT: z.union([z.literal('never'), timeOfDay]).default('04:00'),
});

/** What the environment says, typed. Folders are absolute. */
export interface Settings {
  /** Folder of the job files. */
  jobs: string;
  /** Folder of the ledger and of staged files; private. */
  state: string;
  ledger: string;
  logLevel: string;
  /** Where the daemon answers questions about its health; absent: nowhere. */
  listen?: Address;
  /** Where the daemon takes webhooks, and nothing else; absent: where `listen` is. */
  receive?: Address;
  /** When the daemon makes a backup of the ledger; absent: never. */
  backupAt?: TimeOfDay;
  /** Folder of the backups. */
  backupTo: string;
  /** How many backups are kept. */
  backupKeep: number;
  /** When the daemon removes what is kept long enough; absent: never. */
  pruneAt?: TimeOfDay;
}

export interface Address {
  host: string;
  port: number;
}

export interface TimeOfDay {
  /** `03:00` */
  at: string;
  /** IANA. */
  timezone: string;
}

/** Reads the settings; an option of the command line goes before the environment. */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  options: { jobs?: string | undefined; state?: string | undefined; listen?: string | undefined } = {},
): Settings {
  const parsed = schema.safeParse(options.listen === undefined ? env : { ...env, REFERRY_LISTEN: options.listen });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new TransferError('SETTINGS_INVALID', `environment variable ${issue?.path.join('.')}: ${issue?.message}`, {
      hint: HINTS,
    });
  }
  const state = resolve(options.state ?? parsed.data.REFERRY_STATE);
  return {
    jobs: resolve(options.jobs ?? parsed.data.REFERRY_JOBS),
    state,
    ledger: resolve(state, 'ledger.sqlite'),
    logLevel: parsed.data.REFERRY_LOG_LEVEL,
    ...(parsed.data.REFERRY_LISTEN === undefined ? {} : { listen: addressOf(parsed.data.REFERRY_LISTEN) }),
    ...(parsed.data.REFERRY_RECEIVE === undefined ? {} : { receive: addressOf(parsed.data.REFERRY_RECEIVE) }),
    ...(parsed.data.REFERRY_BACKUP_AT === undefined ? {} : { backupAt: timeOf(parsed.data.REFERRY_BACKUP_AT) }),
    backupTo: resolve(parsed.data.REFERRY_BACKUP_TO ?? `${state}/backups`),
    backupKeep: parsed.data.REFERRY_BACKUP_KEEP,
    ...(parsed.data.REFERRY_PRUNE_AT === 'never' ? {} : { pruneAt: timeOf(parsed.data.REFERRY_PRUNE_AT) }),
  };
}

const HINTS =
  'REFERRY_JOBS, REFERRY_STATE and REFERRY_BACKUP_TO are folders; REFERRY_LOG_LEVEL is debug, info, warn, error or silent; REFERRY_LISTEN and REFERRY_RECEIVE are addresses such as 127.0.0.1:9464; REFERRY_BACKUP_AT and REFERRY_PRUNE_AT are times such as 03:00; REFERRY_BACKUP_KEEP is a number';

/** A port alone is one of this machine only; with nothing before the colon, of every address. */
function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  const host = colon === -1 ? '127.0.0.1' : text.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host: host === '' ? '0.0.0.0' : host, port: Number(text.slice(colon + 1)) };
}

function timeOf(text: string): TimeOfDay {
  const [at = '', timezone = Intl.DateTimeFormat().resolvedOptions().timeZone] = text.split(' ');
  return { at, timezone };
}

function isZone(name: string | undefined): boolean {
  if (name === undefined) return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
