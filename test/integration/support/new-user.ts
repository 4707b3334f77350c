import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, realIo } from '../../../src/io.ts';
import { type Sandbox, startSandbox } from '../../../src/sandbox/start.ts';
import { cliArgs } from './cli.ts';
import { type Ran, ran } from './package-install.ts';
import { COMPILE_CACHE } from './processes.ts';

/** Who follows a page from an empty folder, with `referry` in the path. */
export interface NewUser {
  folder: string;
  sandbox: Sandbox;
  /** Runs a script as bash does in strict mode. */
  run(script: string): Promise<Ran>;
  close(): Promise<void>;
}

/** `secrets`: what the user has in the environment, by the names that the sandbox gives. */
export async function newUser(secrets: readonly string[], { tools = false } = {}): Promise<NewUser> {
  // Names of folders have spaces where users live.
  const folder = await mkdtemp(join(tmpdir(), 'referry new user '));
  const root = join(folder, 'sandbox');
  const sandbox = await startSandbox({
    ...{ io: realIo(createLog('silent')), root, sftpPort: 0, extolePort: 0, tools },
  });
  const env = {
    ...Object.fromEntries(secrets.map((name) => [name, sandbox.env[name]])),
    PATH: `${await referryIn(folder)}:${process.env.PATH}`,
    HOME: folder,
    NODE_COMPILE_CACHE: COMPILE_CACHE,
  };
  return {
    folder,
    sandbox,
    run: (script) => ran('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env }),
    async close() {
      await sandbox.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A folder for the path, in which `referry` is the program of the working tree. */
export async function referryIn(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const program = [process.execPath, ...cliArgs([])].map((part) => `'${part}'`).join(' ');
  await writeFile(join(bin, 'referry'), `#!/bin/sh\nexec ${program} "$@"\n`, { mode: 0o755 });
  return bin;
}

/** Fenced blocks that the page marks with `<!-- runs: exit N -->`, in its order: N is what their last command exits with. */
export function blocksThatRun(page: string): { code: number; script: string }[] {
  const marked = page.matchAll(/<!-- runs: exit (\d+) -->\n```sh\n([\s\S]*?)```/g);
  return [...marked].map(([, code, script = '']) => ({ code: Number(code), script }));
}

/** Jobs that the page marks with `<!-- job -->`, and parts that are shown beside one. */
export const shownJobs = (page: string): string[] => blocksOf(page, 'job');
export const shownParts = (page: string): string[] => blocksOf(page, 'part of a job');

const blocksOf = (page: string, mark: string): string[] =>
  [...page.matchAll(/<!-- ([\w ]+) -->\n```yaml\n([\s\S]*?)```/g)].flatMap(([, of, text = '']) =>
    of === mark ? [text] : [],
  );

/** What `check --json` says of jobs that a page shows, each with an inbox of its own; `secrets`: files that they name. */
export async function checkShown(jobs: readonly string[], secrets: readonly string[], env = {}): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), 'referry-shown-'));
  try {
    for (const secret of secrets) await writeFile(join(folder, secret), 'secret', { mode: 0o600 });
    for (const [i, text] of jobs.entries())
      await writeFile(
        join(folder, `shown-${i}.yaml`),
        text.replaceAll('/run/secrets/', '').replace('/inbox', `/${i}/inbox`),
      );
    const told = await ran(process.execPath, cliArgs(['check', '--jobs', folder, '--json']), {
      cwd: folder,
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...env },
    });
    return JSON.parse(told.stdout);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
