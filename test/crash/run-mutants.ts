import { ask, type Hunt, hunt, nameOf, places, slownessOf } from './mutants/hunt.ts';
import type { Mutant } from './mutants/mutant.ts';
import { allMutants, editedTree } from './mutants/tree.ts';

export interface MutantsOptions {
  seed: string;
  /** Only these; empty: all. */
  only: readonly string[];
  /** Hunts side by side. */
  workers: number;
  say(line: string): void;
}

export interface MutantsFigures {
  mutants: number;
  found: number;
  survived: string[];
  /** Those that cannot be looked for here. */
  skipped: string[];
  /** Checks and scenarios that complain of the product itself: what they find proves nothing. */
  unsound: string[];
  seed: string;
  seconds: number;
}

/** Looks whether the harness finds the deliberate bugs. The product without any of them is asked first. */
export async function runMutants({ seed, only, workers, say }: MutantsOptions): Promise<MutantsFigures> {
  const started = performance.now();
  const all = await allMutants();
  const strangers = only.filter((name) => !all.has(name));
  if (strangers.length > 0)
    throw new Error(`no such mutant: ${strangers.join(', ')}; there are ${[...all.keys()].join(', ')}`);
  const wanted = [...all].filter(([name]) => only.length === 0 || only.includes(name));
  const mutants = wanted.map(([, mutant]) => mutant);
  const unsound = await withoutBugs(mutants, { seed, workers, say });
  const survived: string[] = [];
  const skipped: string[] = [];
  await inTurns(wanted, workers, async ([name, mutant]) => {
    const result = await hunt(mutant, seed);
    const { kind } = result.verdict;
    if (kind === 'skipped') skipped.push(name);
    else if (kind !== 'violated') survived.push(name);
    const word = kind === 'violated' ? 'found   ' : kind === 'skipped' ? 'skipped ' : 'SURVIVED';
    say(`${word} ${name.padEnd(20)} by ${nameOf(mutant.foundBy).padEnd(22)} ${told(result)}`);
  });
  return {
    mutants: wanted.length,
    found: wanted.length - survived.length - skipped.length,
    survived,
    skipped,
    unsound,
    seed,
    seconds: Math.round((performance.now() - started) / 1000),
  };
}

/** Names of the checks and scenarios that find something where nothing is. */
async function withoutBugs(
  mutants: readonly Mutant[],
  { seed, workers, say }: Omit<MutantsOptions, 'only'>,
): Promise<string[]> {
  const unsound: string[] = [];
  const control = editedTree([]);
  try {
    const slowness = slownessOf(await ask({ check: 'good-file' }, control.path, seed));
    await inTurns(places(mutants), workers, async (whom) => {
      const result = await ask(whom, control.path, seed, slowness);
      const sound = result.verdict.kind === 'holds' || result.verdict.kind === 'skipped';
      if (!sound) unsound.push(nameOf(whom));
      say(`${sound ? 'holds   ' : 'VIOLATED'} without any bug      in ${nameOf(whom).padEnd(22)} ${told(result)}`);
    });
  } finally {
    control.remove();
  }
  return unsound;
}

function told({ verdict, seconds }: Hunt): string {
  const what = verdict.kind === 'violated' ? verdict.what : 'why' in verdict ? verdict.why : '';
  return `${seconds.toFixed(1).padStart(5)} s  ${what.split('\n')[0]?.slice(0, 150) ?? ''}`.trimEnd();
}

/** Some at a time, each begun in order. */
async function inTurns<T>(items: readonly T[], workers: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}
