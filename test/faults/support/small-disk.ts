import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Why no disk of our own can be had; `undefined` where one can. Where everything is required, that is an error. */
export const noSmallDisk = whyNot();

function whyNot(): string | undefined {
  const why =
    process.getuid?.() === 0
      ? spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
        ? undefined
        : 'nothing may be mounted here'
      : 'only root may mount a small disk';
  if (why !== undefined && process.env.REFERRY_REQUIRE_ALL === '1')
    throw new Error(`${why}, and REFERRY_REQUIRE_ALL=1`);
  return why;
}

/** A file system of a few megabytes, which can be filled up. */
export interface SmallDisk {
  /** Fills it but for so many bytes. */
  fill(free?: number): void;
  /** Takes away what `fill` put there. */
  empty(): void;
  free(): number;
  remount(option: 'ro' | 'rw'): void;
  close(): void;
}

export function openSmallDisk(path: string, bytes: number): SmallDisk {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const call = (program: string, ...args: string[]): void => {
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  };
  call('mount', '-t', 'tmpfs', '-o', `size=${bytes},mode=0700`, 'tmpfs', path);
  const balloon = join(path, 'balloon');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    fill(left = 0) {
      const fd = openSync(balloon, 'a', 0o600);
      const block = Buffer.alloc(4096, 0x20);
      try {
        while (free() > left) writeSync(fd, block);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      } finally {
        closeSync(fd);
      }
    },
    empty: () => rmSync(balloon, { force: true }),
    free,
    remount: (option) => call('mount', '-o', `remount,${option}`, path),
    close: () => call('umount', '--lazy', path),
  };
}
