import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startCli } from '../integration/support/e2e-cli.ts';
import { checkInvariants, isConverged, remember, startHistory } from '../integration/support/e2e-crash.ts';
import { type CrashFile, crashFiles } from '../integration/support/e2e-crash-files.ts';
import { watchAsPartner } from '../integration/support/e2e-crash-watch.ts';
import { csv, lineOf, rows } from '../integration/support/e2e-rows.ts';
import { openWorld } from '../integration/support/e2e-world.ts';

/** So many deaths at each kind of system call; `CRASH_SYSCALLS=40` takes minutes. */
const EACH = Number(process.env.CRASH_SYSCALLS ?? 2);
const why = !existsSync('/usr/bin/strace')
  ? 'strace is not installed'
  : spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
    ? undefined
    : 'strace may not trace processes here';

/** What reaches the disk goes through one of these. */
const CALLS = EACH > 2 ? ['fsync', 'pwrite64', 'rename', 'unlink', 'link', 'ftruncate'] : ['fsync', 'link'];
/** And these are how a disk fails instead. */
const ERRORS = [['fsync', 'EIO'], ...(EACH > 2 ? ([['pwrite64', 'ENOSPC']] as const) : [])] as const;

describe.skipIf(why !== undefined)(
  `a process that dies, or whose disk fails, at the n-th system call${why ? `: skipped, ${why}` : ''}`,
  () => {
    for (const call of CALLS) {
      it(`C-syscall: SIGKILL at ${call}`, { timeout: 60_000 + EACH * 20_000 }, () => sweep(call, 'signal=SIGKILL'));
    }
    for (const [call, error] of ERRORS) {
      it(`S-syscall: ${error} at ${call}`, { timeout: 60_000 + EACH * 20_000 }, () => sweep(call, `error=${error}`));
    }
  },
);

/** One file for each death, in one ledger: the next life takes up what the last one left, and dies one call later. */
async function sweep(call: string, harm: string): Promise<void> {
  const world = await openWorld();
  try {
    world.job('feed', { delivery: { window: 8, unknown: 'resend', maxAmbiguous: 100 } });
    const files: CrashFile[] = crashFiles(24);
    for (const [i, { name, text }] of files.entries()) world.drop(name, text, 100_000 - i);
    const history = startHistory(world, files, 8);
    const partner = watchAsPartner(`${world.served}/results`);
    const codes = new Map<string, number>();
    for (let n = 1; n <= EACH; n++) {
      const file = fileOf(n);
      files.push(file);
      world.drop(file.name, file.text, 50_000 - n);
      const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:${harm}:when=${n}`];
      const strace = ['strace', '-f', '-qq', '-o', '/dev/null', ...inject];
      const end = await startCli(['run', 'feed', '--json'], world.env, strace).done;
      expect(end.code, end.stderr).not.toBe(70);
      const code = `${end.signal ?? end.code}`;
      codes.set(code, (codes.get(code) ?? 0) + 1);
      remember(history, end);
    }
    for (let life = 0; life < 4 && !isConverged(history); life++)
      remember(history, await world.cli(['run', 'feed', '--json']));
    if (EACH > 2) console.log(`${call} ${harm}: ${[...codes].map(([code, count]) => `${count} x ${code}`).join(', ')}`);
    checkInvariants(history, { resends: true });
    expect(partner.stop().complaints).toEqual([]);
  } catch (error) {
    throw new Error(`its files are in ${world.root}`, { cause: error });
  }
  await world.close();
}

function fileOf(n: number): CrashFile {
  const list = rows(`S${n}`, 8);
  return {
    name: `s-${String(n).padStart(4, '0')}.csv`,
    text: csv(list),
    expected: list.map((each, i) => ({ line: i + 2, outcome: 'delivered', code: '', input: lineOf(each), row: each })),
  };
}
