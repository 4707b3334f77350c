import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { dropWhole } from '../integration/support/dropping.ts';
import { fromEnv, fromFile, type Json, merged, USUAL_EVENT } from '../integration/support/usual-job.ts';
import type { ServedWorld, Servers, WorldOptions as ServerWishes } from './servers/open.ts';

export interface WorldWishes extends Pick<ServerWishes, 'extoleSftp' | 'links' | 'tools'> {
  /** Where the inbox is: on the partner's SFTP server, or in a folder of this machine, which is quicker. */
  remote: 'sftp' | 'local';
}

/** One account at each server, one ledger, a folder of jobs; all of it temporary. */
export interface CrashWorld {
  root: string;
  /** What the partner's server serves: inbox, processing, archive, refused, results, reports. */
  served: string;
  jobs: string;
  state: string;
  ledger: string;
  env: Readonly<Record<string, string>>;
  servers: ServedWorld;
  /** Writes a job file: the usual job, with parts replaced. */
  job(id: string, change?: Json): void;
  /** Puts a whole file in a folder at once; its time is `age` seconds ago. */
  put(folder: string, name: string, contents: string | Buffer, age: number): void;
  files(folder: string): string[];
  read(path: string): Buffer;
  /** Changes the ledger by hand. No process may have it open. */
  tamper(work: (db: Database.Database) => void): void;
  close(keep: boolean): Promise<void>;
}

/** A small window, so that a file goes through many commits. */
export const WINDOW = 8;

export async function openWorld(servers: Servers, wishes: WorldWishes): Promise<CrashWorld> {
  const root = mkdtempSync(join(tmpdir(), 'referry-crash-'));
  const jobs = join(root, 'jobs');
  const state = join(root, 'state');
  mkdirSync(jobs);
  // There before the first start, so that it can be watched.
  mkdirSync(state, { mode: 0o700 });
  const { remote, ...served } = wishes;
  const world = await servers.open({ root, ...served });
  const { sftp, extole } = world;
  const source =
    remote === 'sftp'
      ? {
          url: `sftp://${sftp.user}@127.0.0.1:${sftp.port}/inbox`,
          password: fromEnv('SFTP_PASSWORD'),
          hostKey: sftp.hostKey,
        }
      : { url: `file://${sftp.root}/inbox` };
  const ledger = join(state, 'ledger.sqlite');
  return {
    root,
    served: sftp.root,
    jobs,
    state,
    ledger,
    env: {
      REFERRY_JOBS: jobs,
      REFERRY_STATE: state,
      REFERRY_PRUNE_AT: 'never',
      EXTOLE_TOKEN: extole.token,
      SFTP_PASSWORD: sftp.password,
    },
    servers: world,
    job: (id, change = {}) =>
      writeFileSync(join(jobs, `${id}.yaml`), JSON.stringify(merged(usualJob(source, extole.url), change), null, 2), {
        mode: 0o600,
      }),
    put(folder, name, contents, age) {
      dropWhole(root, join(sftp.root, folder, name), contents, age);
    },
    files: (folder) => {
      const path = join(sftp.root, folder);
      return existsSync(path) ? readdirSync(path).sort() : [];
    },
    read: (path) => readFileSync(join(sftp.root, path)),
    tamper(work) {
      const db = new Database(ledger);
      try {
        work(db);
      } finally {
        db.close();
      }
    },
    async close(keep) {
      await world.close();
      if (!keep) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The lane on which a whole file goes to Extole, as a job has it; it waits for the answer within the run. */
export function laneOf(world: CrashWorld, lane: 'sftp' | 'batch' | 'folder', upload: Json = {}): Json {
  const { extoleSftp } = world.servers;
  const sftp = extoleSftp && {
    url: `sftp://${extoleSftp.user}@127.0.0.1:${extoleSftp.port}/events`,
    privateKey: fromFile(extoleSftp.keyFile),
    hostKey: extoleSftp.hostKey,
    // In real life a file may be in no folder for a while, between Extole's taking it and its archive.
    settle: '1s',
  };
  return {
    lane,
    ...(lane === 'sftp' ? { sftp } : {}),
    ...(lane === 'folder' ? { folder: { path: join(world.root, 'by-hand') } } : {}),
    // In real life it takes a while until a batch that was made shows in the list of batches.
    batch: { settle: '0s', uploadTimeout: '3s' },
    upload: { wait: '10s', poll: '30ms', stable: '0s', ...upload },
  };
}

/** Rows `id,email,member,at,amount`; quick to try again, and with tries enough that no row is given up while the servers lie. */
function usualJob(source: Json, extoleUrl: string): Json {
  return {
    pipeline: 'deliver-events',
    schedule: '0 3 * * *',
    source: { ...source, match: '*.csv', stable: { for: '0s' } },
    event: USUAL_EVENT,
    destination: {
      extole: {
        account: 'acme',
        requestsPerMinute: 1_000_000,
        lane: 'async-events',
        token: fromEnv('EXTOLE_TOKEN'),
        apiUrl: extoleUrl,
        eventsUrl: extoleUrl,
      },
    },
    delivery: {
      window: WINDOW,
      unknown: 'resend',
      maxAttempts: 100,
      maxAmbiguous: 100,
      concurrency: { start: 4, max: 8 },
      backoff: { first: '5ms', cap: '40ms' },
      timeout: { headers: '400ms', total: '600ms' },
      outageAfter: '10s',
    },
  };
}
