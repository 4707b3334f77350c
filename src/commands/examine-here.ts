import { existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { doubtfulDisk, refuseNetwork } from '../ledger/disk.ts';
import { type Ledger, openLedgerForReading } from '../ledger/open.ts';
import { type Io, TransferError } from '../model.ts';
import type { Settings } from '../settings.ts';
import { executorOf } from './collect-status.ts';
import type { Step } from './examine.ts';
import { count } from './print.ts';
import { executorLine } from './print-status.ts';

const LEAST_FREE = 1_000_000_000;
const LEAST_NODE = 24;
/** No clock that is right shows an earlier time than this program's making. */
const EARLIEST = Date.UTC(2026, 0, 1);

/** What a run needs of this machine: the runtime, the clock, the disk, the ledger. */
export async function examineHere(settings: Settings, io: Io): Promise<Step[]> {
  return [nodeStep(), await diskStep(settings.state), ...(await ledgerSteps(settings, io))];
}

function nodeStep(): Step {
  const detail = process.version;
  if (Number(process.versions.node.split('.')[0]) >= LEAST_NODE) return { step: 'Node.js', verdict: 'ok', detail };
  const hint = `install Node.js ${LEAST_NODE} or later`;
  return { step: 'Node.js', verdict: 'FAIL', detail, hint, cause: 'configuration' };
}

async function diskStep(state: string): Promise<Step> {
  let folder = state;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize, type } = await statfs(folder);
  return judgeDisk(state, bavail * bsize, type);
}

/** `free`: bytes. `type`: as statfs tells it. */
export function judgeDisk(state: string, free: number, type: number): Step {
  try {
    refuseNetwork(state, type);
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    return { step: 'disk', verdict: 'FAIL', detail: error.message, hint: error.hint, cause: 'configuration' };
  }
  const doubt = doubtfulDisk(state, type);
  const hints = [
    ...(doubt === undefined
      ? []
      : ['the ledger must outlive this process and this machine: point REFERRY_STATE at a disk of this machine']),
    ...(free >= LEAST_FREE
      ? []
      : [
          'files are staged there, unpacked to disk three times their size at most: make room, or point REFERRY_STATE at a larger disk',
        ]),
  ];
  const detail = `${(free / 1e9).toFixed(1)} GB free for ${state}`;
  if (hints.length === 0) return { step: 'disk', verdict: 'ok', detail };
  const told = doubt === undefined ? detail : `${detail}; its file system is ${doubt}`;
  return { step: 'disk', verdict: 'warn', detail: told, hint: hints.join('; ') };
}

async function ledgerSteps(settings: Settings, io: Io): Promise<Step[]> {
  const { ledger: path } = settings;
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedgerForReading(path);
    if (!ledger)
      return [clockStep(0, io), { step: 'ledger', verdict: 'ok', detail: `none yet; the first run makes ${path}` }];
    return [clockStep(newestTime(ledger), io), integrityStep(ledger), modeStep(path), holderStep(path, io)];
  } catch (error) {
    if (!(error instanceof TransferError)) throw error;
    const detail = `${error.code}: ${error.message}`;
    return [{ step: 'ledger', verdict: 'FAIL', detail, hint: error.hint, cause: 'ledger' }];
  } finally {
    await ledger?.close();
  }
}

/** A clock that was set back would make files look as if they came in the future. */
function clockStep(newest: number, io: Io): Step {
  const now = io.now();
  const detail = new Date(now).toISOString();
  const hint = 'set the clock, and keep it with NTP: event times and schedules depend on it';
  if (now < EARLIEST) return { step: 'clock', verdict: 'FAIL', detail, hint, cause: 'configuration' };
  if (newest <= now + 60_000) return { step: 'clock', verdict: 'ok', detail };
  const behind = `${detail}, but the ledger has been written at ${new Date(newest).toISOString()}: the clock was set back`;
  return { step: 'clock', verdict: 'FAIL', detail: behind, hint, cause: 'configuration' };
}

function newestTime(ledger: Ledger): number {
  const row = ledger.db
    .prepare<[], { newest: number | null }>(
      'SELECT max(coalesce(max(started_at), 0), coalesce(max(ended_at), 0)) AS newest FROM runs',
    )
    .get();
  return row?.newest ?? 0;
}

function integrityStep(ledger: Ledger): Step {
  const found = ledger.db.pragma('quick_check(1)', { simple: true });
  if (found === 'ok') {
    const files = ledger.db.prepare<[], { n: number }>('SELECT count(*) AS n FROM files').get()?.n ?? 0;
    return { step: 'ledger', verdict: 'ok', detail: `${ledger.path} is sound; it knows ${count(files, 'file')}` };
  }
  const hint = 'stop every program that uses it, keep the file, and restore the last backup';
  const detail = `${ledger.path} is damaged: ${String(found)}`;
  return { step: 'ledger', verdict: 'FAIL', detail, hint, cause: 'ledger' };
}

function modeStep(path: string): Step {
  const mode = statSync(path).mode & 0o777;
  const detail = `mode ${mode.toString(8)}`;
  if ((mode & 0o077) === 0) return { step: 'ledger', verdict: 'ok', detail: `${detail}: private` };
  const hint = `chmod 600 ${path}`;
  return { step: 'ledger', verdict: 'FAIL', detail: `${detail}, 600 is allowed`, hint, cause: 'configuration' };
}

function holderStep(path: string, io: Io): Step {
  const executor = executorOf(path);
  const verdict = executor?.alive === false ? 'warn' : 'ok';
  return { step: 'executor', verdict, detail: executorLine(executor, io.now()) };
}
