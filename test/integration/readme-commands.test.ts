import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliArgs, commandNames, optionsOf, PROJECT, referry } from './support/cli.ts';
import { blocksThatRun, checkShown, referryIn, shownJobs } from './support/new-user.ts';
import { ran } from './support/package-install.ts';
import { COMPILE_CACHE } from './support/processes.ts';

const PAGES = [
  'README.md',
  'docs/job-file.md',
  'docs/results-and-report.md',
  'docs/notices.md',
  'docs/architecture.md',
  'docs/operations.md',
  'docs/share-links.md',
  'docs/segments.md',
  'docs/reliability.md',
  'docs/security.md',
  'docs/performance.md',
];

const readme = await readFile(join(PROJECT, 'README.md'), 'utf8');
const pages = await Promise.all(
  PAGES.map(async (page) => [page, await readFile(join(PROJECT, page), 'utf8')] as const),
);

/** Every `referry ...` that a page shows as code, up to a comment, a pipe or the end of the code. */
function shownCommands(page: string): string[] {
  const code = page.match(/```[\s\S]*?```|`[^`\n]+`/g) ?? [];
  return code.flatMap((text) =>
    [...text.matchAll(/(?:^|`|&& |-- |\n)referry ([a-z][^`\n|#>;&]*)/g)].map(([, shown = '']) => shown.trim()),
  );
}

describe('the commands that the documentation shows', () => {
  const commands = commandNames();
  const options = new Map(commands.map((name) => [name, optionsOf(referry([name, '--help']).stdout)]));

  test.each(PAGES)('%s names only commands and options that exist', (name) => {
    const page = pages.find(([path]) => path === name)?.[1] ?? '';
    const wrong = shownCommands(page).filter((shown) => {
      const [command = '', ...rest] = shown.split(/\s+/);
      const known = options.get(command);
      return (
        known === undefined || rest.some((word) => word.startsWith('--') && !known.includes(word.replace(/=.*/, '')))
      );
    });
    expect(wrong).toEqual([]);
  });

  test('the README shows every command', () => {
    const shown = new Set(shownCommands(readme).map((command) => command.split(/\s+/)[0]));
    expect(commands.filter((name) => !shown.has(name))).toEqual([]);
  });

  test('the README says what every exit code means, as --help does', () => {
    const help = referry(['--help']).stdout;
    const codes = [...help.slice(help.indexOf('Exit codes:')).matchAll(/^ {2}(\d+) /gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(5);
    for (const code of codes) expect(readme).toMatch(new RegExp(`^\\| ${code} \\| `, 'm'));
  });
});

describe('the links of the documentation', () => {
  /** A heading's anchor, as GitHub makes it. */
  const anchorOf = (heading: string): string =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');

  test.each(PAGES)('%s leads to files and headings that exist', async (name) => {
    const page = pages.find(([path]) => path === name)?.[1] ?? '';
    const broken: string[] = [];
    for (const [, target = ''] of page.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(PROJECT, name) : join(PROJECT, dirname(name), path);
      if (!existsSync(file)) broken.push(target);
      else if (anchor !== undefined) {
        const headings = [...(await readFile(file, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
        if (!headings.map(anchorOf).includes(anchor)) broken.push(target);
      }
    }
    expect(broken).toEqual([]);
  });
});

describe('the README, followed by a new user', () => {
  let folder: string;
  let sandbox: ChildProcess;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'referry-readme-'));
    for (const name of ['jobs', 'sample-files']) await symlink(join(PROJECT, name), join(folder, name));
    const bin = await referryIn(folder);
    sandbox = spawn(
      process.execPath,
      cliArgs(['sandbox', '--root', 'sandbox', '--port', '0', '--extole-port', '0', '--extole-sftp-port', '0']),
      {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const told = await new Promise<string>((resolve, reject) => {
      let text = '';
      sandbox.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (/EXTOLE_EVENTS_URL.*\n/.test(text)) resolve(text);
      });
      sandbox.once('exit', (code) => reject(new Error(`the sandbox ended with ${code}`)));
    });
    const exported = [...told.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name = '', value = '']) => [name, value]);
    env = {
      ...Object.fromEntries(exported),
      PATH: `${bin}:${process.env.PATH}`,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      HOME: folder,
      REFERRY_STATE: join(folder, 'state'),
      REFERRY_STABLE_FOR: '0s',
    };
  });

  afterAll(async () => {
    sandbox.kill('SIGTERM');
    if (sandbox.exitCode === null) await new Promise((resolve) => sandbox.once('exit', resolve));
    await rm(folder, { recursive: true, force: true });
  });

  test('the commands that it marks as runnable do what it says, in its order', async () => {
    const blocks = blocksThatRun(readme);
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    for (const { code, script } of blocks) {
      const told = await ran('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder, env });
      expect(told.code, `${script}\n${told.stdout}${told.stderr}`).toBe(code);
    }
    expect(await readdir(join(folder, 'sandbox/sftp/results'))).toEqual(['account-openings-20261120.csv.results.csv']);
    expect(existsSync(join(folder, 'my-referrals/jobs/example.yaml'))).toBe(true);
  });

  test('status and explain then know of it', async () => {
    const status = await ran('referry', ['status'], { cwd: folder, env });
    expect(status.code, status.stderr).toBe(3);
    const known = await ran('referry', ['explain', 'APP-2026-000101'], { cwd: folder, env });
    expect(known.stdout).toMatch(/^Key APP-2026-000101\n1 row with this key is known\.\n\nDELIVERED: account_opened /);
  });

  test('the job that it explains passes check', async () => {
    const shown = shownJobs(readme);
    expect(shown).toHaveLength(1);
    expect(await checkShown(shown, ['sftp_key', 'extole_token'])).toMatchObject({ ok: true, problems: [] });
  });

  test('every job in jobs/ passes check without a warning', async () => {
    const told = await ran('referry', ['check', '--json'], { cwd: folder, env });
    const answer: { jobs: { id: string }[]; problems: unknown[] } = JSON.parse(told.stdout);
    const files = (await readdir(join(PROJECT, 'jobs'))).filter((name) => name.endsWith('.yaml'));
    expect(answer.problems).toEqual([]);
    expect(answer.jobs.map(({ id }) => `${id}.yaml`).sort()).toEqual(files.sort());
  });
});
