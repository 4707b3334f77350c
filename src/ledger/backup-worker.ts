import { parentPort, workerData } from 'node:worker_threads';
import { TransferError } from '../model.ts';
import { backUp } from './backup.ts';

/** Makes a backup in a thread of its own: copying and checking a large ledger must not stop the sending of rows. */
const { path, folder, keep, now }: { path: string; folder: string; keep: number; now: number } = workerData;
try {
  parentPort?.postMessage({ backup: await backUp(path, folder, keep, now) });
} catch (error) {
  const code = error instanceof TransferError ? error.code : 'INTERNAL';
  const hint = error instanceof TransferError ? error.hint : undefined;
  parentPort?.postMessage({ code, message: error instanceof Error ? error.message : String(error), hint });
}
