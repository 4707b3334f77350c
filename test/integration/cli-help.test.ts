import { describe, expect, test } from 'vitest';
import { cliArgs, commandNames, processorTime, referry } from './support/cli.ts';

const LIMIT_MS = 300;
/** What a start of Node.js that does nothing takes on an idle machine; more is the load of others, which slows us as much. */
const BARE_MS = 35;

const commands = commandNames();

/** Milliseconds to the answer on a machine that does nothing else; the best of three, as load only adds. */
function quickest(args: readonly string[]): number {
  const times: number[] = [];
  for (let n = 0; n < 3; n++) {
    const load = Math.max(1, processorTime(['-e', '0']) / BARE_MS);
    times.push(processorTime(cliArgs(args)) / load);
    if (Math.min(...times) < LIMIT_MS) break;
  }
  return Math.min(...times);
}

describe('referry --help', () => {
  test('lists the commands', () => {
    expect(commands).toEqual([
      'init',
      'check',
      'doctor',
      'run',
      'daemon',
      'health',
      'status',
      'files',
      'held',
      'explain',
      'report',
      'notify-test',
      'retry',
      'release',
      'reject',
      'resolve',
      'reprocess',
      'confirm',
      'verify-dedupe',
      'verify-segment',
      'import-keys',
      'prune',
      'forget',
      'backup',
      'restore',
      'schema',
      'completion',
      'sandbox',
      'demo',
    ]);
  });

  test.each([[], ...commands.map((name) => [name])].map((args) => [args.join(' ') || 'referry', args] as const))(
    '%s: its help has an example, ends well and comes at once',
    (_, args) => {
      const help = referry([...args, '--help']);
      expect(help.stderr).toBe('');
      expect(help.code).toBe(0);
      expect(help.stdout).toMatch(/^Usage: referry/);
      expect(help.stdout).toMatch(/\nExample[^\n]*:\n {2}\S/);
      if (help.ms >= LIMIT_MS) expect(quickest([...args, '--help'])).toBeLessThan(LIMIT_MS);
    },
  );

  test('an unknown command or option, and a missing argument, exit 2 and say where help is', () => {
    for (const args of [['rnu'], ['run', 'x', '--dryrun'], ['run'], ['check', 'too', 'many']]) {
      const told = referry(args);
      expect(told.code, args.join(' ')).toBe(2);
      expect(told.stdout).toBe('');
      expect(told.stderr).toMatch(/^error: /);
      expect(told.stderr).toContain('--help');
    }
  });

  test('a job that does not exist exits 2 and names those that do', () => {
    const told = referry(['run', 'nothing-such'], { env: { REFERRY_STATE: '/nonexistent/state' } });
    expect(told.code, told.stderr).toBe(2);
    expect(told.stderr).toContain('nothing-such');
  });
});
