/**
 * `node test/crash/mutants/main.ts [--seed N] [NAME...]`: whether the harness finds deliberate bugs. The product without any of them is asked
 * first: what is violated there proves nothing. Exit 1 where one survives. `npm run test:crash -- --mutants` is the same.
 */
import { parseArgs } from 'node:util';
import { ask, type Hunt, hunt, nameOf, places } from './hunt.ts';
import type { Mutant } from './mutant.ts';
import { allMutants, editedTree } from './tree.ts';

/** Two at a time: the machine has two cores, and a hunt waits as much as it works. */
const AT_ONCE = 2;

const { values, positionals } = parseArgs({
  options: { seed: { type: 'string', default: `${Date.now() % 1_000_000}` } },
  allowPositionals: true,
});
const seed = Number(values.seed);
const all = await allMutants();
const wanted = new Map([...all].filter(([name]) => positionals.length === 0 || positionals.includes(name)));
const strangers = positionals.filter((name) => !all.has(name));
if (strangers.length > 0) {
  process.stderr.write(`there is no mutant ${strangers.join(', ')}; there are ${[...all.keys()].join(', ')}\n`);
  process.exit(64);
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const told = ({ verdict, seconds }: Hunt): string => {
  const what = verdict.kind === 'violated' ? verdict.what : 'why' in verdict ? verdict.why : '';
  return `${seconds.toFixed(1).padStart(5)} s  ${what.split('\n')[0]?.slice(0, 150) ?? ''}`;
};

say(`seed ${seed}`);
const control = editedTree([]);
const unsound: string[] = [];
try {
  await inTurns(places(wanted.values()), async (whom) => {
    const result = await ask(whom, control.path, seed);
    const sound = result.verdict.kind === 'holds' || result.verdict.kind === 'skipped';
    if (!sound) unsound.push(nameOf(whom));
    say(`${sound ? 'holds   ' : 'VIOLATED'} ${nameOf(whom).padEnd(26)} without any bug: ${told(result)}`);
  });
} finally {
  control.remove();
}

const survived: string[] = [];
const skipped: string[] = [];
await inTurns([...wanted], async ([name, mutant]: [string, Mutant]) => {
  const result = await hunt(mutant, seed);
  const { kind } = result.verdict;
  if (kind === 'skipped') skipped.push(name);
  else if (kind !== 'violated') survived.push(name);
  const word = kind === 'violated' ? 'found   ' : kind === 'skipped' ? 'skipped ' : 'SURVIVED';
  say(`${word} ${name.padEnd(20)} by ${nameOf(mutant.foundBy).padEnd(24)} ${told(result)}`);
});

const found = wanted.size - survived.length - skipped.length;
process.stdout.write(`${JSON.stringify({ mutants: wanted.size, found, survived, skipped, unsound, seed })}\n`);
process.exit(survived.length === 0 && unsound.length === 0 && skipped.length === 0 ? 0 : 1);

/** Some at a time, each begun in order. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
