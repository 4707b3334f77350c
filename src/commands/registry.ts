import type { Command } from 'commander';
import { registerBackup } from './backup.ts';
import { registerCheck } from './check.ts';
import { registerDaemon } from './daemon.ts';
import { registerDemo } from './demo.ts';
import { registerDoctor } from './doctor.ts';
import { registerExplain } from './explain.ts';
import { registerHealth } from './health.ts';
import { registerInit } from './init.ts';
import { registerReport } from './report.ts';
import { registerRetry } from './retry.ts';
import { registerRun } from './run.ts';
import { registerSandbox } from './sandbox.ts';
import { registerSchema } from './schema.ts';
import { registerStatus } from './status.ts';
import { registerVerifyDedupe } from './verify-dedupe.ts';

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
  registerExplain,
  registerReport,
  registerRetry,
  registerVerifyDedupe,
  registerBackup,
  registerSchema,
  registerSandbox,
  registerDemo,
];
