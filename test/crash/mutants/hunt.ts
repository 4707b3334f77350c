import { join } from 'node:path';
import { startProcess } from '../../integration/support/processes.ts';
import { straceMissing } from '../strace.ts';
import type { Mutant } from './mutant.ts';
import { editedTree, ROOT } from './tree.ts';

/** What came of asking a check or a scenario about a tree. */
export interface Hunt {
  /** The first violation, or why nothing can be said. */
  verdict: { kind: 'violated'; what: string } | { kind: 'holds' } | { kind: 'skipped' | 'failed'; why: string };
  seconds: number;
}

const MAIN = 'test/crash/main.ts';

/** For one hunt on a machine that does nothing else. */
const LIMIT_MS = 60_000;
/** A scenario begins no new story after so many minutes of those. */
const MINUTES = 0.7;
/** What a good file takes on such a machine, servers and all. */
const GOOD_FILE_SECONDS = 2.5;

/** Makes the bug, sees that the product still does its work otherwise, and looks whether the harness finds it. */
export async function hunt(mutant: Mutant, seed: string): Promise<Hunt> {
  const tree = editedTree(mutant.edits);
  try {
    const plain = await ask({ check: 'good-file' }, tree.path, seed);
    if (plain.verdict.kind !== 'holds') {
      const why = `a bug that breaks everything proves nothing: ${JSON.stringify(plain.verdict)}`;
      return { verdict: { kind: 'failed', why }, seconds: plain.seconds };
    }
    return await ask(mutant.foundBy, tree.path, seed, slownessOf(plain));
  } finally {
    tree.remove();
  }
}

/** How much longer things take just now, 1 or more: nobody wins by being busy. */
export const slownessOf = (goodFile: Hunt): number => Math.max(1, goodFile.seconds / GOOD_FILE_SECONDS);

/** Asks a check or a scenario about a tree, in a process of its own. */
export async function ask(whom: Mutant['foundBy'], tree: string, seed: string, slowness = 1): Promise<Hunt> {
  const started = performance.now();
  const args =
    'check' in whom
      ? [MAIN, '--checks', '--tree', tree, whom.check]
      : [
          MAIN,
          ...STORIES,
          '--minutes',
          `${MINUTES * slowness}`,
          '--tree',
          tree,
          '--scenario',
          whom.scenario,
          '--seed',
          seed,
        ];
  const { stdout, stderr, late } = await outputOf(args, LIMIT_MS * slowness);
  return { verdict: verdictOf(stdout, stderr, late), seconds: (performance.now() - started) / 1000 };
}

/** One after the other, up to the first violation: the next hunt has the other core. What it finds was put there, and is not kept. */
const STORIES = ['--workers', '1', '--stop-early', '--discard'];

function verdictOf(stdout: string, stderr: string, late: boolean): Hunt['verdict'] {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  let report: { violations?: unknown; skipped?: unknown };
  try {
    report = JSON.parse(last);
  } catch {
    const why = late ? 'nothing was said in time' : stderr.trimEnd().split('\n').slice(-3).join(' ');
    return { kind: 'failed', why };
  }
  if (Array.isArray(report.skipped) && report.skipped.length > 0) {
    return { kind: 'skipped', why: straceMissing() ?? String(report.skipped[0]) };
  }
  const { violations } = report;
  if (Array.isArray(violations)) {
    return violations.length > 0 ? { kind: 'violated', what: String(violations[0]) } : { kind: 'holds' };
  }
  // A scenario gives their number, and has told of each in a line of its own.
  if (violations === 0) return { kind: 'holds' };
  const what = stdout.split('\n').find((line) => /^ {2}[\w-]+ (lost|doubled|phantom|unbalanced|other): /.test(line));
  return { kind: 'violated', what: what?.trim() ?? `${String(violations)} violations` };
}

async function outputOf(
  args: readonly string[],
  limitMs: number,
): Promise<{ stdout: string; stderr: string; late: boolean }> {
  const harness = startProcess([process.execPath, ...args], { cwd: ROOT, env: process.env });
  let late = false;
  // An interrupt first: the harness ends what it started.
  const timer = setTimeout(() => {
    late = true;
    harness.kill('SIGTERM');
    setTimeout(() => harness.kill('SIGKILL'), 5000).unref();
  }, limitMs);
  try {
    const { stdout, stderr } = await harness.done;
    return { stdout, stderr, late };
  } finally {
    clearTimeout(timer);
  }
}

/** Where the deliberate bugs are looked for, each once, in a stable order. */
export function places(mutants: Iterable<Mutant>): Mutant['foundBy'][] {
  const seen = new Map<string, Mutant['foundBy']>();
  for (const { foundBy } of mutants) seen.set(JSON.stringify(foundBy), foundBy);
  return [...seen.values()];
}

export const nameOf = (whom: Mutant['foundBy']): string =>
  'check' in whom ? join('checks', whom.check) : join('scenarios', whom.scenario);
