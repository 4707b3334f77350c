import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { type CliProcess, until } from './e2e-cli.ts';
import type { World } from './e2e-world.ts';

const run = promisify(execFile);

/** Remembers that a job's last tick was acted upon so long ago. No process may have the ledger open. */
export function backdateSchedule(world: World, job: string, ms: number): void {
  const db = new Database(world.ledger);
  db.prepare(
    'INSERT INTO schedules (job, last_due_at) VALUES (?, ?) ON CONFLICT (job) DO UPDATE SET last_due_at = excluded.last_due_at',
  ).run(job, Date.now() - ms);
  db.close();
}

export async function startDaemon(world: World): Promise<CliProcess> {
  const daemon = world.start(['daemon']);
  await until('the daemon to be ready', () => daemon.told().stderr.includes('referry: ready'));
  return daemon;
}

/** How often the daemon's log says a thing. */
export const timesTold = (daemon: CliProcess, message: string): number =>
  daemon.told().stderr.split(`"msg":"${message}"`).length - 1;

/** Why the OpenSSH client cannot be used; `undefined` where it can. */
export const sftpMissing = ['/usr/bin/sftp', '/usr/local/bin/sftp'].some(existsSync)
  ? undefined
  : 'the sftp command line client is not installed';

/** What a partner does: a batch of commands with the OpenSSH client. */
export async function sftp(world: World, commands: readonly string[]): Promise<string> {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'IdentitiesOnly=yes'];
  const args = [
    ...options.flatMap((option) => ['-o', option]),
    ...['-P', String(world.sftp?.port), '-i', world.sftpKey, '-b', '-', 'partner@127.0.0.1'],
  ];
  const child = run('sftp', args);
  child.child.stdin?.end(`${commands.join('\n')}\n`);
  return (await child).stdout;
}
