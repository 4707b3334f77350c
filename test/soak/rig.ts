import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { dropWhole, FOLDERS } from '../integration/support/dropping.ts';
import { type CliResult, startCli, until } from '../integration/support/e2e-cli.ts';
import { makeKeys } from '../integration/support/e2e-pgp.ts';
import type { DroppedFile } from './feed.ts';
import { writeJobs } from './jobs.ts';
import { type Order, PASSWORD, type Ready } from './orders.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const STAND_INS = fileURLToPath(new URL('./stand-ins.ts', import.meta.url));

/** Folders and processes of a soak. */
export async function openRig(root: string, seed: number) {
  const served = join(root, 'served');
  for (const folder of FOLDERS) mkdirSync(join(served, folder), { recursive: true });
  const jobs = join(root, 'jobs');
  const state = join(root, 'state');
  mkdirSync(jobs);
  const received = join(root, 'received.jsonl');
  const pgp = await makeKeys(root, 'soak');
  const servers = fork(STAND_INS, [served, received, String(seed)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [ready]: Ready[] = await once(servers, 'message');
  if (!ready) throw new Error('the stand-ins did not start');
  writeJobs(jobs, ready, pgp, join(root, 'by-hand'));
  const env = {
    REFERRY_JOBS: jobs,
    REFERRY_STATE: state,
    REFERRY_PRUNE_AT: 'never',
    EXTOLE_TOKEN: ready.token,
    SFTP_PASSWORD: PASSWORD,
  };
  const log = join(root, 'daemon.log');
  const order = (what: Order): void => void servers.send(what);

  return {
    served,
    state,
    received,
    pgp,
    log,
    ledger: join(state, 'ledger.sqlite'),
    faults: (on: boolean) => order({ faults: on }),
    cli: (args: readonly string[]): Promise<CliResult> => startCli(args, env).done,
    /** A whole file at once. */
    drop({ name, bytes }: DroppedFile): void {
      dropWhole(root, join(served, 'inbox', name), bytes, 60);
    },
    async daemon(): Promise<{ child: ChildProcess; pid: number; url: string; ended: Promise<unknown[]> }> {
      const out = openSync(log, 'a');
      const child = spawn(process.execPath, [MAIN, 'daemon', '--listen', '127.0.0.1:0'], {
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
        stdio: ['ignore', out, out],
      });
      const ended = once(child, 'exit');
      const url = await until('the daemon', () => /listening on (\S+)/.exec(readFileSync(log, 'utf8'))?.[1], 60_000);
      return { child, pid: child.pid ?? 0, url, ended };
    },
    /** Asks the ledger through a connection of our own. */
    ask<T>(sql: string): T[] {
      const db = new Database(join(state, 'ledger.sqlite'), { readonly: true });
      try {
        return db.prepare<[], T>(sql).all();
      } finally {
        db.close();
      }
    },
    async close(): Promise<void> {
      if (servers.connected) order({ stop: true });
      await once(servers, 'exit');
    },
  };
}

export type Rig = Awaited<ReturnType<typeof openRig>>;
