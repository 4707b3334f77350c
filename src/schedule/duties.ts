import type { Job } from '../jobs/schema.ts';
import type { Ledger } from '../ledger/open.ts';
import { type Io, TransferError } from '../model.ts';
import { backupDuty } from './duty-backup.ts';
import { logSizeDuty } from './duty-log-size.ts';
import { morningReportDuty } from './duty-morning-report.ts';
import { noticesDuty } from './duty-notices.ts';
import { pruneDuty } from './duty-prune.ts';

/** When the daemon looks after its own things; what is absent is not done. */
export interface Upkeep {
  backupAt?: { at: string; timezone: string };
  /** Folder of the backups. */
  backupTo?: string;
  backupKeep?: number;
  pruneAt?: { at: string; timezone: string };
}

/** What a duty may use. `jobs` are the job files as they are now. */
export interface DutyContext {
  ledger: Ledger;
  io: Io;
  signal: AbortSignal;
  jobs: readonly Job[];
  /** Folder of the ledger, the staging and everything else that stays on this machine. */
  state: string;
  /** Folder of the job files. */
  jobsFolder: string;
  upkeep: Upkeep;
  crashPoint?: (name: string) => void;
}

/**
 * Something that the daemon sees to beside running jobs: looked at once a minute, and once more after each run. It decides by
 * itself, from the ledger and the clock, whether there is anything to do, and must be harmless to repeat: the process may die
 * in it. One that fails is logged and tried again a minute later; it stops neither the jobs nor the other duties.
 */
export interface Duty {
  name: string;
  see(context: DutyContext): Promise<void>;
}

/** In the order in which they are seen to. */
export const DUTIES: readonly Duty[] = [logSizeDuty, noticesDuty, backupDuty, pruneDuty, morningReportDuty];

/**
 * Sees to all duties, one after the other; while they are at it, another call makes them go round once more. `noteFailure` is told of
 * each that failed, and says what it was.
 */
export function createDuties(
  duties: readonly Duty[],
  io: Io,
  noteFailure: (error: unknown) => unknown = (error) => error,
): { see(context: () => Promise<DutyContext>): Promise<void> } {
  let going: Promise<void> | undefined;
  let again = false;
  const round = async (context: () => Promise<DutyContext>): Promise<void> => {
    do {
      again = false;
      const now = await context();
      for (const { name, see } of duties) {
        if (now.signal.aborted) return;
        try {
          await see(now);
        } catch (raw) {
          if (now.signal.aborted) return;
          const error = noteFailure(raw);
          const code = error instanceof TransferError ? error.code : 'INTERNAL';
          io.log.error({ duty: name, code }, `${name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    } while (again);
  };
  return {
    see: (context) => {
      if (going) again = true;
      else
        going = round(context).finally(() => {
          going = undefined;
        });
      return going;
    },
  };
}
