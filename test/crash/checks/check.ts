import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dropWhole } from '../../integration/support/dropping.ts';
import type { End, Process } from '../../integration/support/processes.ts';
import { fromEnv } from '../../integration/support/usual-job.ts';
import { startProduct } from '../product.ts';
import { type ServedWorld, type Servers, TOKEN, type WorldOptions } from '../servers/open.ts';

/** One question to the product, with its answer in a few seconds: no chance is in it. Each is a file of this folder. */
export interface Check {
  /** As a promise: what holds. */
  title: string;
  /** Why it cannot be asked here, where it cannot. */
  missing?: () => string | undefined;
  /** What does not hold; empty: all is well. */
  run(stage: CheckStage): Promise<string[]>;
}

/** Where a check is played: a tree of the product, and servers that outlive it. */
export interface CheckStage {
  world(options?: Omit<WorldOptions, 'root'>): Promise<CheckWorld>;
}

export interface CheckWorld {
  root: string;
  /** The partner's folders on disk. */
  served: string;
  ledger: string;
  servers: ServedWorld;
  /** `source` of the usual job. */
  source: { [setting: string]: unknown };
  /** Writes a job: the usual one over SFTP, with these parts in place of its own. */
  job(id: string, change?: { [part: string]: unknown }): void;
  /** Puts a whole file in the inbox. */
  drop(name: string, contents: string | Buffer): void;
  /** The product, with these arguments; `under`: a program that runs it. */
  start(args: readonly string[], under?: readonly string[]): Process;
  run(job: string, under?: readonly string[]): Promise<End>;
  files(folder: string): string[];
}

/** Nothing that a check starts may outlive this. */
const LIFE_MS = 90_000;

/** Plays a check against a tree of the product; `tree` holds `src/main.ts`. */
export async function playCheck(check: Check, tree: string, servers: Servers): Promise<string[]> {
  const worlds: CheckWorld[] = [];
  const lives: Process[] = [];
  try {
    return await check.run({
      async world(options = {}) {
        const world = await openWorld(tree, servers, options, lives);
        worlds.push(world);
        return world;
      },
    });
  } finally {
    for (const life of lives) life.kill('SIGKILL');
    for (const world of worlds) {
      await world.servers.close();
      rmSync(world.root, { recursive: true, force: true });
    }
  }
}

async function openWorld(
  tree: string,
  servers: Servers,
  options: Omit<WorldOptions, 'root'>,
  lives: Process[],
): Promise<CheckWorld> {
  const root = mkdtempSync(join(tmpdir(), 'referry-check-'));
  const opened = await servers.open({ ...options, root });
  const jobs = join(root, 'jobs');
  const state = join(root, 'state');
  const served = opened.sftp.root;
  mkdirSync(jobs);
  const env = {
    REFERRY_JOBS: jobs,
    REFERRY_STATE: state,
    EXTOLE_TOKEN: TOKEN,
    SFTP_PASSWORD: opened.sftp.password,
  };
  const start = (args: readonly string[], under: readonly string[] = []): Process => {
    const life = startProduct({ tree, args, env, under });
    const timer = setTimeout(() => life.kill('SIGKILL'), LIFE_MS);
    void life.done.finally(() => clearTimeout(timer));
    lives.push(life);
    return life;
  };
  return {
    root,
    served,
    ledger: join(state, 'ledger.sqlite'),
    servers: opened,
    source: sourceOf(opened),
    job(id, change = {}) {
      writeFileSync(join(jobs, `${id}.yaml`), JSON.stringify({ ...usualJob(opened), ...change }), { mode: 0o600 });
    },
    drop(name, contents) {
      dropWhole(root, join(served, 'inbox', name), contents, 60);
    },
    start,
    run: (job, under) => start(['run', job, '--json'], under).done,
    files: (folder) => readdirSync(join(served, folder)).sort(),
  };
}

/** Rows `id,email,at`; quick to try again, and a window that is soon full. */
function usualJob(world: ServedWorld): { [part: string]: unknown } {
  const { extole } = world;
  return {
    pipeline: 'deliver-events',
    source: sourceOf(world),
    event: { name: 'account_opened', key: 'id', time: 'at', data: { email: 'email' } },
    destination: {
      extole: {
        account: 'acme',
        lane: 'async-events',
        token: fromEnv('EXTOLE_TOKEN'),
        apiUrl: extole.url,
        eventsUrl: extole.url,
      },
    },
    delivery: { window: 8, unknown: 'resend', backoff: { first: '5ms', cap: '40ms' } },
  };
}

const sourceOf = ({ sftp }: ServedWorld): { [setting: string]: unknown } => ({
  url: `sftp://${sftp.user}@127.0.0.1:${sftp.port}/inbox`,
  password: fromEnv('SFTP_PASSWORD'),
  hostKey: sftp.hostKey,
  match: '*.csv*',
  stable: { for: '0s' },
});

/** A file of so many good rows. */
export function goodRows(prefix: string, count: number): string {
  const at = new Date(Date.now() - 86_400_000).toISOString();
  const rows = Array.from({ length: count }, (_, i) => `${prefix}-${i},p${i}@private.example,${at}\n`);
  return `id,email,at\n${rows.join('')}`;
}
