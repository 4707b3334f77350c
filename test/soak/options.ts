import { parseArgs } from 'node:util';

export const HELP = `A daemon with four jobs beside servers that misbehave, for as long as it is told: nothing may grow that should not.

Usage: npm run test:soak -- [options]

  --minutes N   how long files come; default 30. Below 12 there are too few minutes to judge a trend, and only the rows are
  --seed N      inputs and faults come from it; default: from the clock, and told
  --keep        keep the folder of everything; it is kept anyway where something is wrong
  --help

Files come every few seconds while both servers fail in turn. Then everything is accounted for: each row in the results, at the destination, in
the folders and in the ledger. Memory, open handles, threads and the ledger are looked at every five seconds. What is said meanwhile goes
to standard error; the last line, on standard output, is one JSON object. Exits 1 where anything was lost, doubled or otherwise wrong, or grows.

  npm run test:soak -- --minutes 30
  npm run -s test:soak -- --minutes 2 --seed 7 > soak.json
`;

export interface SoakOptions {
  minutes: number;
  seed: number;
  keep: boolean;
  help: boolean;
}

/** Throws where an option is unknown or is no number. */
export function readOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (option: string, text: string): number => {
    const n = Number(text);
    if (!(n > 0)) throw new Error(`${option}: found "${text}", a number above 0 is needed`);
    return n;
  };
  return {
    minutes: number('--minutes', values.minutes),
    seed: number('--seed', values.seed),
    keep: values.keep,
    help: values.help,
  };
}
