import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import type { FaultSource } from '../../../src/sandbox/extole/faults.ts';
import type { Behaviour } from '../../../src/sandbox/extole/folder-behaviour.ts';
import {
  type ExtoleOptions,
  type ExtoleStandIn,
  SANDBOX_TOKEN,
  startExtole,
} from '../../../src/sandbox/extole/server.ts';
import { type ExtoleFolder, watchExtoleFolder } from '../../../src/sandbox/extole/sftp-folder.ts';
import { newKeyPair, type SftpServer, startSftpServer } from '../../../src/sandbox/sftp/server.ts';
import { dropWhole, FOLDERS } from './dropping.ts';
import { type CliProcess, type CliResult, startCli } from './e2e-cli.ts';
import { type Logged, readReceived } from './received.ts';
import { fromEnv, fromFile, type Json, merged, USUAL_EVENT } from './usual-job.ts';

export interface WorldOptions {
  /** Default `local`: the inbox is a folder of this machine, which is quicker. */
  remote?: 'sftp' | 'local';
  faults?: FaultSource;
  dedupe?: ExtoleOptions['dedupe'];
  tokens?: readonly string[];
  /** More of the stand-in's options: how batches go, what uploads are called. */
  extole?: Partial<ExtoleOptions>;
  /** Extole's SFTP server too, with its folders and how they behave. */
  extoleSftp?: Partial<Behaviour>;
}

/** Extole's SFTP server, its folders, and the settings with which a job reaches it. */
export interface ExtoleSftp {
  server: SftpServer;
  folder: ExtoleFolder;
  /** What it serves, on disk. */
  root: string;
  settings: { url: string; privateKey: string; hostKey: string };
}

/** A request as the stand-in's log has it. */
export type Request = Logged<{ event_name: string; event_time: string; data: Record<string, string> }>;

export interface World {
  root: string;
  served: string;
  jobs: string;
  state: string;
  ledger: string;
  extole: ExtoleStandIn;
  sftp: SftpServer | undefined;
  extoleSftp: ExtoleSftp | undefined;
  /** A private key of the partner's, for the OpenSSH client. */
  sftpKey: string;
  env: Record<string, string>;
  /** Writes a job file: the usual one, with parts replaced. */
  job(id: string, change?: Json): void;
  /** Puts a whole file in the inbox at once. Its time is `age` seconds ago, so that the order of files is certain. */
  drop(name: string, contents: string | Buffer, age?: number): void;
  cli(args: readonly string[], env?: Record<string, string>): Promise<CliResult>;
  start(args: readonly string[], env?: Record<string, string>): CliProcess;
  /** `run JOB --json` */
  run(job: string, env?: Record<string, string>): Promise<CliResult & { run: RunJson }>;
  /** Posted events, without those of verify-dedupe. */
  requests(): Request[];
  /** Rows that Extole took out of files and batches, before any deduplication. */
  taken(): Request[];
  files(folder: string): string[];
  read(path: string): Buffer;
  close(): Promise<void>;
}

export interface FileJson {
  path: string;
  sha256: string;
  state: string;
  code?: string;
  read: number;
  delivered: number;
  duplicate: number;
  conflict: number;
  rejected: number;
  failed: number;
  held: number;
  open: number;
  balanced: boolean;
  resultsPath: string | null;
  archivedAs: string | null;
}

export interface RunJson extends Omit<FileJson, 'path' | 'sha256' | 'state' | 'resultsPath' | 'archivedAs'> {
  job: string;
  run: string;
  lane: string | null;
  carriedIn: number;
  halted: { code: string; reason: string } | null;
  seen: { files: number; processed: number; held: number; refused: number; open: number };
  reportPath: string | null;
  files: FileJson[];
  notices: { code: string; message: string }[];
}

const PASSWORD = 'a sandbox password';

/** Both stand-ins, a folder of jobs and a folder for the ledger, all temporary. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const root = mkdtempSync(join(tmpdir(), 'referry-e2e-'));
  const served = join(root, 'served');
  for (const folder of FOLDERS) mkdirSync(join(served, folder), { recursive: true });
  const jobs = join(root, 'jobs');
  const state = join(root, 'state');
  mkdirSync(jobs);
  const log = join(root, 'received.jsonl');
  const key = newKeyPair();
  const sftpKey = join(root, 'partner_key');
  writeFileSync(sftpKey, key.private, { mode: 0o600 });
  const sftp =
    options.remote === 'sftp'
      ? await startSftpServer({
          root: served,
          users: [{ name: 'partner', password: PASSWORD, publicKeys: [key.public] }],
        })
      : undefined;
  const extole = await startExtole({
    io: realIo(createLog('silent')),
    log: { path: log, fsync: true },
    requestsPerMinute: Number.POSITIVE_INFINITY,
    ...(options.tokens ? { tokens: options.tokens } : {}),
    ...(options.dedupe ? { dedupe: options.dedupe } : {}),
    ...(options.faults ? { faults: options.faults } : {}),
    ...options.extole,
  });
  const extoleSftp = options.extoleSftp && (await openExtoleSftp(root, extole, options.extoleSftp));
  function received(): Request[] {
    extole.flush();
    return readReceived(log);
  }
  const env = {
    REFERRY_JOBS: jobs,
    REFERRY_STATE: state,
    EXTOLE_TOKEN: SANDBOX_TOKEN,
    SFTP_PASSWORD: PASSWORD,
  };
  const source = sftp
    ? {
        url: `sftp://partner@127.0.0.1:${sftp.port}/inbox`,
        password: fromEnv('SFTP_PASSWORD'),
        hostKey: sftp.hostKeyFingerprint,
      }
    : { url: `file://${served}/inbox` };
  const start = (args: readonly string[], more: Record<string, string> = {}): CliProcess =>
    startCli(args, { ...env, ...more });
  const cli = (args: readonly string[], more?: Record<string, string>): Promise<CliResult> => start(args, more).done;

  return {
    root,
    served,
    jobs,
    state,
    ledger: join(state, 'ledger.sqlite'),
    extole,
    sftp,
    extoleSftp,
    sftpKey,
    env,
    job(id, change = {}) {
      const text = JSON.stringify(merged(usualJob(source, extole.url), change), null, 2);
      writeFileSync(join(jobs, `${id}.yaml`), text, { mode: 0o600 });
    },
    drop(name, contents, age = 60) {
      dropWhole(root, join(served, 'inbox', name), contents, age);
    },
    start,
    cli,
    async run(job, more) {
      const result = await cli(['run', job, '--json'], more);
      const run: RunJson = JSON.parse(JSON.stringify(result.json()));
      return { ...result, run };
    },
    requests: () =>
      received().filter(
        ({ method, path, body }) =>
          method === 'POST' && !/^\/v6\/(files|batches)/.test(path) && body.data.container !== 'test',
      ),
    taken: () => received().filter(({ method }) => method === 'ROW'),
    files: (folder) => readdirSync(join(served, folder)).sort(),
    read: (path) => readFileSync(join(served, path)),
    async close() {
      await sftp?.close();
      await extoleSftp?.folder.close();
      await extoleSftp?.server.close();
      await extole.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function openExtoleSftp(root: string, extole: ExtoleStandIn, behaviour: Partial<Behaviour>): Promise<ExtoleSftp> {
  const served = join(root, 'extole-sftp');
  const key = newKeyPair();
  const keyPath = join(root, 'extole_key');
  writeFileSync(keyPath, key.private, { mode: 0o600 });
  const folder = watchExtoleFolder({
    io: realIo(createLog('silent')),
    root: served,
    account: extole.account,
    everyMs: 20,
    log: join(root, 'extole-taken.jsonl'),
    behaviour,
  });
  const server = await startSftpServer({ root: served, users: [{ name: 'acme', publicKeys: [key.public] }] });
  return {
    server,
    folder,
    root: served,
    settings: {
      url: `sftp://acme@127.0.0.1:${server.port}/events`,
      privateKey: fromFile(keyPath),
      hostKey: server.hostKeyFingerprint,
    },
  };
}

/** Answers count, and not how soon they come: on a busy machine they come late. */
export const PATIENT = { timeout: { headers: '20s', total: '30s' } };
/** `delivery` of a job whose answers never come, and whose rows it does not matter to when a good one comes late. */
export const HASTY = { timeout: { headers: '400ms', total: '600ms' } };

/** Rows `id,email,member,at,amount`; quick to try again, so that tests are quick. */
function usualJob(source: Json, extoleUrl: string): Json {
  return {
    pipeline: 'deliver-events',
    source: { ...source, match: '*.csv', stable: { for: '0s' } },
    event: USUAL_EVENT,
    destination: {
      extole: {
        account: 'acme',
        requestsPerMinute: 1_000_000,
        requestsPerSecondPerPerson: 1_000_000,
        lane: 'async-events',
        token: fromEnv('EXTOLE_TOKEN'),
        apiUrl: extoleUrl,
        eventsUrl: extoleUrl,
      },
    },
    delivery: {
      ...PATIENT,
      backoff: { first: '5ms', cap: '40ms' },
      outageAfter: '2m',
    },
  };
}
