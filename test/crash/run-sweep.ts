import { join } from 'node:path';
import type { Kill } from './kill.ts';
import type { Life } from './life.ts';
import { type Partners, startPartners } from './partners.ts';
import { startProduct } from './product.ts';
import type { Scenario, Story } from './scenario.ts';
import { type Servers, startServers } from './servers/open.ts';
import { type Keep, tellLives, tellStory } from './story.ts';
import {
  CALLS,
  type Call,
  type Death,
  mostByThread,
  ONE_POOL_THREAD,
  readTrace,
  straceMissing,
  straceTo,
} from './strace.ts';

export interface SweepOptions {
  tree: string;
  seed: string;
  workers: number;
  /** Only these calls; empty: all. */
  only: readonly string[];
  /** Each so-manieth call; 1: all. */
  every: number;
  keep: Keep;
  say(line: string): void;
}

export interface SweepFigures {
  /** Deaths and failures of the disk that happened, by harm and call: `{ 'SIGKILL fsync': 52 }`. */
  struck: Record<string, number>;
  violations: number;
  seed: string;
  seconds: number;
}

/** Small, because each of its system calls is a life of its own. */
const ROWS = 12;
/** A disk that fails may end a run in each of these ways: done all the same, to be looked at, unreachable, the ledger unreadable. */
const ENDS = [0, 3, 4, 74];

/** One run, told as often as it has system calls that reach the disk: it dies at the first, at the second, ... and so with errors. */
export async function runSweep(options: SweepOptions): Promise<SweepFigures> {
  const missing = straceMissing();
  if (missing !== undefined) throw new Error(`a sweep needs strace: ${missing}`);
  const started = performance.now();
  const servers = startServers();
  const partners = startPartners();
  const figures: SweepFigures = { struck: {}, violations: 0, seed: options.seed, seconds: 0 };
  try {
    const deaths = await deathsOf(options, servers, partners);
    options.say(`${deaths.length} lives to tell`);
    const queue = [...deaths];
    const work = async (): Promise<void> => {
      for (let death = queue.shift(); death; death = queue.shift()) {
        await tell(options, servers, partners, death, figures);
        if ((deaths.length - queue.length) % 25 === 0)
          options.say(`${deaths.length - queue.length} of ${deaths.length} told, ${figures.violations} violations`);
      }
    };
    await Promise.all(Array.from({ length: options.workers }, work));
  } finally {
    partners.stop();
    await servers.stop();
  }
  return { ...figures, seconds: Math.round((performance.now() - started) / 1000) };
}

/** A ledger that is there already, one file, and one life that ends as it is told. */
function scenarioOf(name: string, ending: (story: Story) => Promise<unknown>): Scenario {
  return {
    name,
    about: 'one small file, and one death',
    world: { remote: 'local' },
    faults: { extole: 0 },
    async tell(story) {
      story.job();
      await story.live(['run', 'feed', '--json'], { kills: 0, until: () => true });
      story.drop(story.sampler.file('rows.csv', { rows: ROWS }));
      await ending(story);
    },
  };
}

/** What one undisturbed run does, and so where it can die. */
async function deathsOf(options: SweepOptions, servers: Servers, partners: Partners): Promise<Death[]> {
  let counts = new Map<Call, number>();
  const trace = scenarioOf('sweep-reference', async (story) => {
    const { world } = story;
    const file = join(world.root, 'trace');
    const env = { ...world.env, ...ONE_POOL_THREAD };
    const args = ['run', 'feed', '--json'];
    await startProduct({ tree: options.tree, args, env, under: straceTo(file, CALLS) }).done;
    const calls = readTrace(file);
    counts = new Map(CALLS.map((call): [Call, number] => [call, mostByThread(calls, call)]));
    await story.live(args, { kills: 0 });
  });
  if ((await told(trace, options, servers, partners, () => {})) > 0)
    throw new Error('the undisturbed run went wrong: there is nothing to compare deaths with');
  const wanted = CALLS.filter((call) => options.only.length === 0 || options.only.includes(call));
  options.say(`one run: ${wanted.map((call) => `${counts.get(call) ?? 0} x ${call}`).join(', ')}`);
  const harms = [
    ...wanted.map((call): Pick<Death, 'call' | 'harm'> => ({ call, harm: 'SIGKILL' })),
    { call: 'fsync', harm: 'EIO' },
    { call: 'pwrite64', harm: 'EIO' },
    { call: 'pwrite64', harm: 'ENOSPC' },
  ] as const satisfies readonly Pick<Death, 'call' | 'harm'>[];
  return harms
    .filter(({ call }) => wanted.includes(call))
    .flatMap(({ call, harm }) => Array.from({ length: counts.get(call) ?? 0 }, (_, i) => ({ call, harm, nth: i + 1 })))
    .filter((_, i) => i % options.every === 0);
}

async function tell(
  options: SweepOptions,
  servers: Servers,
  partners: Partners,
  death: Death,
  figures: SweepFigures,
): Promise<void> {
  const name = `${death.harm} ${death.call}`;
  const kill: Kill = { at: 'call', ...death };
  const scenario = scenarioOf(`sweep-${death.call}`, (story) =>
    story.live(['run', 'feed', '--json'], { kills: 1, choose: () => kill, ends: ENDS }),
  );
  const violations = await told(scenario, options, servers, partners, (life) => {
    const struck = life.kill && (life.signal === 'SIGKILL' || life.code !== 0);
    if (struck) figures.struck[name] = (figures.struck[name] ?? 0) + 1;
  });
  figures.violations += violations;
}

async function told(
  scenario: Scenario,
  { seed, tree, keep, say }: SweepOptions,
  servers: Servers,
  partners: Partners,
  lived: (life: Life) => void,
): Promise<number> {
  const experience = () => ({ openMs: 300, wanted: [], near: [], sated: [] });
  const { history, kept } = await tellStory({ scenario, seed, tree, servers, partners, experience, lived, keep });
  if (history.violations.length > 0) {
    say([`its files are in ${kept ?? 'nowhere'}`, ...tellLives(history)].join('\n'));
    for (const { kind, invariant, what } of history.violations) say(`  ${invariant} ${kind}: ${what.slice(0, 1500)}`);
  }
  return history.violations.length;
}
