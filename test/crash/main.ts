/** `npm run test:crash`: see `--help`. */
import { HELP, readOptions } from './options.ts';
import { runChecks } from './run-checks.ts';
import { type CrashFigures, LEAST_HITS, LEAST_KILLS, runCrash } from './run-crash.ts';
import { runMutants } from './run-mutants.ts';
import { runSweep } from './run-sweep.ts';

/** From so many on, a run that tried too little ends with 1. */
const FULL_MINUTES = 10;

const options = readOptions(process.argv.slice(2), (line) => process.stdout.write(`${line}\n`));
if (options.help) process.stdout.write(HELP);
else if (options.instead === 'checks') {
  const figures = await runChecks({ ...options, only: options.names });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.violations.length > 0 ? 1 : 0;
} else if (options.instead === 'sweep') {
  process.stdout.write(`seed ${options.seed}\n`);
  const figures = await runSweep({ ...options, only: options.names });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.violations > 0 ? 1 : 0;
} else if (options.instead === 'mutants') {
  process.stdout.write(`seed ${options.seed}\n`);
  const figures = await runMutants({ ...options, only: options.names });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.found === figures.mutants && figures.unsound.length === 0 ? 0 : 1;
} else {
  process.stdout.write(`seed ${options.seed}\n`);
  // What leaves nothing to chance comes first: it takes seconds.
  const { violations: broken } =
    options.only.length > 0 ? { violations: [] } : await runChecks({ ...options, only: [] });
  const told = await runCrash(options);
  const figures = { ...told, violations: told.violations + broken.length };
  const shortcomings = shortOf(figures);
  for (const each of shortcomings) process.stdout.write(`${each}\n`);
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  process.exitCode = figures.violations > 0 || shortcomings.length > 0 ? 1 : 0;
}

/** A run that found nothing because it tried too little. */
function shortOf({ kills, points }: CrashFigures): string[] {
  if (options.minutes < FULL_MINUTES || options.only.length > 0) return [];
  const rare = Object.entries(points).filter(([, hits]) => hits < LEAST_HITS);
  return [
    ...(kills < LEAST_KILLS ? [`only ${kills} kills after the ledger was open; ${LEAST_KILLS} are needed`] : []),
    ...rare.map(([point, hits]) => `${point} was hit ${hits} times; ${LEAST_HITS} are needed`),
  ];
}
