import { Worker } from 'node:worker_threads';
import type { Backup } from '../ledger/backup.ts';
import { lastFire, rememberFire } from '../ledger/schedules.ts';
import { TransferError } from '../model.ts';
import { latestDue } from './due.ts';
import type { Duty, DutyContext } from './duties.ts';

/** No job has such an id. */
const BACKUP = '/backup';
const TRIED = '/backup-tried';
/** When a backup was last made: milliseconds since 1970, for the metrics. */
export const BACKUP_MADE = '/backup-made';
const TRY_AGAIN_MS = 600_000;

/** A backup of the ledger at its time of day. One that was missed is made up once; one that failed is tried again after 10 minutes. */
export const backupDuty: Duty = {
  name: 'backup',
  see: async (context) => {
    const { ledger, io, upkeep } = context;
    if (upkeep.backupAt === undefined) return;
    const now = io.now();
    const since = lastFire(ledger, BACKUP);
    if (since === undefined) return rememberFire(ledger, BACKUP, now);
    const due = latestDue(cronOf(upkeep.backupAt.at), upkeep.backupAt.timezone, since, now);
    if (due === undefined || now - (lastFire(ledger, TRIED) ?? 0) < TRY_AGAIN_MS) return;
    rememberFire(ledger, TRIED, now);
    const { path, bytes, dropped } = await inWorker(context);
    rememberFire(ledger, BACKUP, due);
    rememberFire(ledger, BACKUP_MADE, now);
    rememberFire(ledger, TRIED, 0);
    io.log.info({ path, bytes, dropped: dropped.length }, 'backup made');
  },
};

/** `03:00` as a schedule of once a day. */
export function cronOf(at: string): string {
  const [hour, minute] = at.split(':').map(Number);
  return `${minute} ${hour} * * *`;
}

function inWorker({ ledger, io, upkeep, state, signal }: DutyContext): Promise<Backup> {
  // The built package has this file as JavaScript, the sources as TypeScript.
  const file = new URL(`../ledger/backup-worker.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  const folder = upkeep.backupTo ?? `${state}/backups`;
  const workerData = { path: ledger.path, folder, keep: upkeep.backupKeep ?? 14, now: io.now() };
  const worker = new Worker(file, { workerData, execArgv: [] });
  const stop = (): void => void worker.terminate();
  signal.addEventListener('abort', stop, { once: true });
  return new Promise<Backup>((resolve, reject) => {
    worker.once('message', (told: { backup: Backup } | { code: string; message: string; hint?: string }) => {
      if ('backup' in told) resolve(told.backup);
      else reject(new TransferError(told.code, told.message, told.hint === undefined ? {} : { hint: told.hint }));
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the backup's thread ended with ${code}`)));
  }).finally(() => signal.removeEventListener('abort', stop));
}
