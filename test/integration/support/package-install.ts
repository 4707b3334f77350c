import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

const run = promisify(execFile);

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; a code other than 0 is an answer, not an error. */
export async function ran(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<Ran> {
  try {
    return { code: 0, ...(await run(program, args, { ...options, encoding: 'utf8', maxBuffer: 1 << 26 })) };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    return { code: Number(error.code), stdout: String(error.stdout), stderr: String(error.stderr) };
  }
}

/** Builds and packs the project, as for publishing. Returns the path of the tarball. */
export async function packProject(target: string): Promise<string> {
  const packed = await ran('npm', ['pack', '--silent', '--pack-destination', target], { cwd: PROJECT });
  if (packed.code !== 0) throw new Error(`npm pack failed: ${packed.stdout}${packed.stderr}`);
  const [name] = (await readdir(target)).filter((file) => file.endsWith('.tgz'));
  if (name === undefined) throw new Error('npm pack made no tarball');
  return join(target, name);
}

/**
 * Lays a folder out as `npm install <tarball>` does, without a network: the unpacked tarball, beside it links to the
 * packages that the lockfile lists for production, and none of those that are there for developing.
 */
export async function installWithoutNetwork(tarball: string, folder: string): Promise<string> {
  const modules = join(folder, 'node_modules');
  const home = join(modules, 'referry');
  await mkdir(home, { recursive: true });
  const untarred = await ran('tar', ['-xzf', tarball, '-C', home, '--strip-components=1'], { cwd: folder });
  if (untarred.code !== 0) throw new Error(`tar failed: ${untarred.stderr}`);
  const lockfile: { packages: Record<string, { dev?: boolean; optional?: boolean }> } = JSON.parse(
    await readFile(join(PROJECT, 'package-lock.json'), 'utf8'),
  );
  const present = new Set(await readdir(join(PROJECT, 'node_modules')));
  for (const [path, { dev }] of Object.entries(lockfile.packages)) {
    const [, name] = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path) ?? [];
    if (name === undefined || dev === true || !present.has(name.split('/')[0] ?? '')) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(PROJECT, 'node_modules', name), join(modules, name));
  }
  return home;
}
