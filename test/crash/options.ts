import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { CrashOptions } from './run-crash.ts';

export const HELP = `Kills the product at any time and everywhere, and checks that nothing is lost and nothing is doubled.

Usage: npm run test:crash -- [options]

  --minutes N      no new story is begun after that long; default 1. From 10 on, it goes on until enough was tried, three
                   times as long at most
  --seed N         inputs and plans come from it; default: from the clock, and told
  --workers N      stories side by side; default 4
  --scenario NAME  only this one; may be given more than once
  --story K        only the K-th story of the one scenario
  --kills JSON     deaths to play again instead of choosing them
  --tree PATH      a checkout to test instead of this one
  --keep           keep the folders of all stories; default: of those in which something is wrong
  --discard        keep none
  --stop-early     end with the first violation
  --checks [NAME...]   only the questions that leave nothing to chance: flushes, host keys, half files, two processes
  --sweep [CALL...]    a small run killed, and given errors of the disk, at each of its system calls (strace)
  --every N            of a sweep, only each N-th call
  --mutants [NAME...]  whether all of this finds sixteen deliberate bugs, each made in a copy of the product
  --help

Each life of the program is the real command as a process of its own; the servers it talks to are others, which outlive it and lie while it
is killed. What must become of each row is foretold from the inputs alone. The last line is one JSON object. Exits 1 where
anything was lost, doubled or otherwise wrong; from 10 minutes on, also where there were fewer than 600 deaths, or a named place was hit
fewer than 20 times.
`;

export interface MainOptions extends CrashOptions {
  minutes: number;
  /** What is done instead of telling stories. */
  instead: 'checks' | 'sweep' | 'mutants' | undefined;
  /** Names of those. */
  names: readonly string[];
  every: number;
  help: boolean;
}

export function readOptions(args: readonly string[], say: (line: string) => void): MainOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000_000}` },
      workers: { type: 'string', default: '4' },
      scenario: { type: 'string', multiple: true, default: [] },
      story: { type: 'string' },
      kills: { type: 'string' },
      tree: { type: 'string', default: fileURLToPath(new URL('../../', import.meta.url)) },
      keep: { type: 'boolean', default: false },
      discard: { type: 'boolean', default: false },
      'stop-early': { type: 'boolean', default: false },
      checks: { type: 'boolean', default: false },
      sweep: { type: 'boolean', default: false },
      every: { type: 'string', default: '1' },
      mutants: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (positionals.length > 0 && !values.checks && !values.sweep && !values.mutants)
    throw new Error(`found "${positionals[0]}": names come after --checks, --sweep or --mutants`);
  const minutes = numberOf('--minutes', values.minutes);
  return {
    minutes,
    instead: (['mutants', 'sweep', 'checks'] as const).find((name) => values[name]),
    names: positionals,
    every: numberOf('--every', values.every),
    ms: minutes * 60_000,
    mostMs: minutes * 60_000 * (minutes < 10 || values.scenario.length > 0 ? 1 : 3),
    seed: values.seed,
    workers: numberOf('--workers', values.workers),
    only: values.scenario,
    tree: values.tree,
    keep: values.discard ? 'none' : values.keep ? 'all' : 'wrong',
    stopEarly: values['stop-early'],
    help: values.help,
    say,
    ...(values.story === undefined ? {} : { story: numberOf('--story', values.story) }),
    ...(values.kills === undefined ? {} : { kills: JSON.parse(values.kills) }),
  };
}

function numberOf(option: string, text: string): number {
  const n = Number(text);
  if (!(n > 0)) throw new Error(`${option}: found "${text}", a number above 0 is needed`);
  return n;
}
