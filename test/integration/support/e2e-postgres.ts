import { execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

export interface Postgres {
  /** For `pg`: the folder of the socket, and the port that names it. */
  connection: { host: string; port: number; user: string; database: string };
  stop(): Promise<void>;
}

/** Why there is no server to test with; `undefined` where there is one. */
export async function postgresMissing(): Promise<string | undefined> {
  if (serverFolder() === undefined) return `no PostgreSQL in ${INSTALLED}`;
  if (process.getuid?.() === 0 && (await idOf('-u')) === undefined)
    return 'PostgreSQL does not run as root, and there is no user postgres';
  return undefined;
}

/** A server of its own in a temporary folder, reached through a socket there. */
export async function startPostgres(): Promise<Postgres> {
  const bin = serverFolder() ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'referry-pg-'));
  const isRoot = process.getuid?.() === 0;
  // The server refuses to run as root, and its folder must be its user's.
  if (isRoot) chownSync(folder, Number(await idOf('-u')), Number(await idOf('-g')));
  const command = (name: string, args: readonly string[]): [string, string[]] =>
    isRoot ? ['runuser', ['-u', 'postgres', '--', join(bin, name), ...args]] : [join(bin, name), [...args]];
  const data = join(folder, 'data');
  const [initdb, initArgs] = command('initdb', ['-D', data, '-U', 'ledger', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
  await run(initdb, initArgs);
  const [server, args] = command('postgres', ['-D', data, '-k', folder, '-p', '5432', '-F', '-c', 'listen_addresses=']);
  const running = spawn(server, args, { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => running.once('close', () => resolve()));
  const connection = { host: folder, port: 5432, user: 'ledger', database: 'postgres' };
  for (let look = 0; !existsSync(join(folder, '.s.PGSQL.5432')); look++) {
    if (look > 200 || running.exitCode !== null) throw new Error('PostgreSQL did not start');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    connection,
    stop: async () => {
      // By its own id: `runuser` would keep the signal to itself.
      process.kill(Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGINT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function serverFolder(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const folders = readdirSync(INSTALLED).map((version) => join(INSTALLED, version, 'bin'));
  return folders.findLast((folder) => existsSync(join(folder, 'initdb')));
}

async function idOf(option: '-u' | '-g'): Promise<string | undefined> {
  return run('id', [option, 'postgres']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}
