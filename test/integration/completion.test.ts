import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandNames, PROJECT, referry } from './support/cli.ts';
import { referryIn } from './support/new-user.ts';

const all = process.env.REFERRY_REQUIRE_ALL === '1';
const missing = (shell: string): string =>
  all || ['/bin', '/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, shell)))
    ? ''
    : `: skipped, ${shell} is not installed`;

describe('referry completion', () => {
  let folder: string;
  let bin: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'referry-completion-'));
    bin = await referryIn(folder);
    for (const shell of ['bash', 'zsh', 'fish'])
      writeFileSync(join(folder, shell), referry(['completion', shell]).stdout);
    writeFileSync(join(folder, 'input.csv'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const env = (): NodeJS.ProcessEnv => ({
    PATH: `${bin}:${process.env.PATH}`,
    HOME: folder,
    REFERRY_JOBS: join(PROJECT, 'jobs'),
  });

  /** What bash offers for the last word of a line. */
  const offered = (...words: string[]): string[] => {
    const quoted = ['referry', ...words].map((word) => `'${word}'`).join(' ');
    const script = `compopt() { :; }; source ./bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _referry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder, env: env(), encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .sort();
  };

  test(`in bash offers commands, options, ids of jobs and files${missing('bash')}`, () => {
    expect(offered('')).toEqual(expect.arrayContaining(commandNames()));
    expect(offered('ver')).toEqual(['verify-dedupe', 'verify-segment']);
    expect(offered('run', '--dr')).toEqual(['--dry-run']);
    expect(offered('run', 'account-')).toEqual(['account-fundings', 'account-openings']);
    expect(offered('--jobs', join(folder, 'none'), 'run', '')).toEqual([]);
    expect(offered('import-keys', 'x.csv', '--job', 'quo')).toEqual(['quote-submissions']);
    expect(offered('run', 'account-openings', '--file', 'inp')).toEqual(['input.csv']);
    expect(offered('completion', 'z')).toEqual(['zsh']);
  });

  test.each(['bash', 'zsh', 'fish'])(
    '%s: the script names every command and option, and the shell can read it',
    (shell) => {
      const script = referry(['completion', shell]).stdout;
      for (const name of commandNames()) expect(script).toContain(name);
      expect(script).toContain('dry-run');
      if (missing(shell) === '') {
        const read = spawnSync(shell, ['-n', join(folder, shell)], { encoding: 'utf8' });
        expect([read.status, read.stderr]).toEqual([0, '']);
      }
    },
  );

  test('of another shell is refused with those that there are', () => {
    const told = referry(['completion', 'tcsh']);
    expect([told.code, told.stderr]).toEqual([2, expect.stringContaining('bash, zsh, fish')]);
  });
});
