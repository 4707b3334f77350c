import type { Command } from 'commander';
import { registerBackup } from './backup.ts';
import { registerCheck } from './check.ts';
import { registerCompletion } from './completion.ts';
import { registerConfirm } from './confirm.ts';
import { registerDaemon } from './daemon.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerExplain } from './explain.ts';
import { registerFiles } from './files.ts';
import { registerForget } from './forget.ts';
import { registerHealth } from './health.ts';
import { registerHeld } from './held.ts';
import { registerImportKeys } from './import-keys.ts';
import { registerInit } from './init.ts';
import { registerNotifyTest } from './notify-test.ts';
import { registerPrune } from './prune.ts';
import { registerReject } from './reject.ts';
import { registerRelease } from './release.ts';
import { registerReport } from './report.ts';
import { registerReprocess } from './reprocess.ts';
import { registerResolve } from './resolve.ts';
import { registerRestore } from './restore.ts';
import { registerRetry } from './retry.ts';
import { registerRun } from './run.ts';
import { registerSandbox } from './sandbox.ts';
import { registerSchema } from './schema.ts';
import { registerStatus } from './status.ts';
import { registerVerifyDedupe } from './verify-dedupe.ts';
import { registerVerifySegment } from './verify-segment.ts';

/** Adds one command to the program; `exit` takes the code the process is to end with. */
export type Register = (program: Command, exit: (code: number) => void) => void;

export const COMMANDS: readonly Register[] = [
  registerInit,
  registerCheck,
  registerDoctor,
  registerRun,
  registerDaemon,
  registerHealth,
  registerStatus,
  registerFiles,
  registerHeld,
  registerExplain,
  registerReport,
  registerNotifyTest,
  registerRetry,
  registerRelease,
  registerReject,
  registerResolve,
  registerReprocess,
  registerConfirm,
  registerVerifyDedupe,
  registerVerifySegment,
  registerImportKeys,
  registerPrune,
  registerForget,
  registerBackup,
  registerRestore,
  registerSchema,
  registerCompletion,
  registerSandbox,
  registerDemo,
];
