import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { readOptions } from './options.ts';
import { runCrash } from './run-crash.ts';

/** `CRASH_SEED=N` begins with the same stories again; without it each run has new ones, and tells its seed. */
const again = process.env.CRASH_SEED === undefined ? [] : ['--seed', process.env.CRASH_SEED];

it('C01, C02, C04: a minute of deaths everywhere: nothing is lost, nothing is doubled, everything balances', {
  timeout: 300_000,
}, async () => {
  const told: string[] = [];
  const tree = fileURLToPath(new URL('../../', import.meta.url));
  const options = readOptions(['--minutes', '1', '--tree', tree, ...again], (line) => told.push(line));
  console.log(`crash harness: seed ${options.seed}`);
  const figures = await runCrash(options);
  console.log(JSON.stringify(figures));
  const { lost, doubled, phantom, unbalanced, violations } = figures;
  expect({ lost, doubled, phantom, unbalanced, violations }, told.join('\n')).toEqual({
    ...{ lost: 0, doubled: 0, phantom: 0, unbalanced: 0, violations: 0 },
  });
  expect(figures.kills).toBeGreaterThan(10);
});
