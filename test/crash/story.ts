import { existsSync } from 'node:fs';
import type { Process } from '../integration/support/processes.ts';
import { type Chance, chanceOf, seedNumber } from './chance.ts';
import { checkEnd } from './check-end.ts';
import { remember } from './check-life.ts';
import { missTick, saysWithin } from './daemon-life.ts';
import { type Facts, isThrough } from './facts.ts';
import { complain, type History, startHistory } from './history.ts';
import { chooseKill, type Experience, type Kill, tellKill } from './kill.ts';
import { type Life, live } from './life.ts';
import type { Partners } from './partners.ts';
import { startProduct } from './product.ts';
import { createSampler } from './samples.ts';
import type { LiveOptions, Scenario, Story } from './scenario.ts';
import type { Servers } from './servers/open.ts';
import { type CrashWorld, openWorld } from './world.ts';

/** Which folders of stories stay: those in which something is wrong, all, none. */
export type Keep = 'wrong' | 'all' | 'none';

export interface TellOptions {
  scenario: Scenario;
  /** The same seed gives the same inputs and the same plans. */
  seed: string;
  tree: string;
  servers: Servers;
  partners: Partners;
  /** What is known of lives so far. */
  experience(chapter: string): Experience;
  /** Called after each life. */
  lived(life: Life, chapter: string): void;
  /** Deaths to play again instead of choosing them; `null`: it lives. */
  kills?: readonly (Kill | null)[] | undefined;
  keep: Keep;
}

export interface Told {
  history: History;
  /** Input rows. */
  rows: number;
  /** The folder, where it was kept. */
  kept: string | undefined;
}

/** How a command may end that asked a daemon, which may have died meanwhile. */
const ASKED_ENDS: ReadonlySet<number> = new Set([0, 3, 4]);
/** Lives without a death that a command may take to bring everything through. */
const PEACEFUL = 8;
const DAEMON_MS = 25_000;

/** Tells one story from the first file to the last check. What went wrong is in its history; it throws nothing of that. */
export async function tellStory(options: TellOptions): Promise<Told> {
  const { scenario, seed } = options;
  const now = Date.now();
  const world = await openWorld(options.servers, scenario.world);
  const rules = {
    by: 'row',
    resends: true,
    jobs: 1,
    ordered: true,
    restored: false,
    fetched: scenario.world.remote === 'sftp',
    ...scenario.rules,
  } as const;
  const history = startHistory(world, { ...rules, eventName: 'account_opened', now });
  const results = options.partners.watch(`${world.served}/results`);
  const reports = options.partners.watch(`${world.served}/reports`, true);
  const others = (scenario.watched ?? []).map(({ folder, changing }) =>
    options.partners.watch(`${world.served}/${folder}`, changing),
  );
  try {
    const chance = chanceOf(seed);
    await scenario.tell(createStory(options, history, world, chance, now));
    const seen = { results: await results(), reports: await reports() };
    for (const look of others) for (const each of (await look()).complaints) complain(history, 'other', 'I8', each);
    if (scenario.check) await scenario.check({ history, ...seen });
    else checkEnd(history, seen.results, seen.reports);
  } catch (error) {
    for (const look of [results, reports, ...others]) await look();
    complain(history, 'other', 'H', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const keep = options.keep === 'all' || (options.keep === 'wrong' && history.violations.length > 0);
  await world.close(keep);
  const rows = history.files.reduce((n, { file }) => n + file.text.split('\n').length - 2, 0);
  return { history, rows, kept: keep ? world.root : undefined };
}

function createStory(options: TellOptions, history: History, world: CrashWorld, chance: Chance, now: number): Story {
  const { scenario, seed, tree } = options;
  // Plans have a chance of their own: how many lives there are changes nothing about the inputs.
  const fate = chanceOf(`${seed} deaths`);
  const jobs: string[] = [];
  let lives = 0;
  let recovering = 0;

  const nextKill = (chapter: string, last: Life | undefined, choose: LiveOptions['choose']): Kill | undefined => {
    if (options.kills) return options.kills[lives] ?? undefined;
    const seen = options.experience(chapter);
    if (choose) return choose(fate, seen);
    if (last?.signal !== 'SIGKILL') recovering = 0;
    // Deaths in a row, each while the one before is taken up.
    else if (recovering === 0 && fate.hit(0.18)) recovering = 1 + fate.below(5);
    return chooseKill(fate, seen, recovering-- > 0);
  };

  const lifeOf = async (args: readonly string[], kill: Kill | undefined, how: LiveOptions): Promise<Life> => {
    await how.before?.();
    if (kill) {
      const { extole, sftp = 0 } = scenario.faults;
      await world.servers.faults(seedNumber(`${seed} ${lives}`), extole, { share: sftp });
    } else await world.servers.quiet();
    const { env = {}, whileIt } = how;
    return live({ tree, world, args, kill, env, whileIt });
  };

  const liveOn = async (args: readonly string[], how: LiveOptions = {}): Promise<Facts> => {
    const { until = isThrough, kills = 8, ends, mayDie = false, chapter = args[0] ?? '' } = how;
    let last: Life | undefined;
    for (let n = 0, peaceful = 0; ; n++) {
      const kill = n < kills ? nextKill(chapter, last, how.choose) : undefined;
      last = await lifeOf(args, kill, how);
      lives++;
      const facts = remember(history, last, ends && new Set(ends));
      options.lived(last, chapter);
      if (until(facts, last) && (mayDie || last.signal !== 'SIGKILL')) return facts;
      if (!kill && ++peaceful > PEACEFUL)
        throw new Error(
          `${args.join(' ')} is not through after ${peaceful} lives in peace:\n${last.stderr.slice(-3000)}`,
        );
    }
  };

  const start = (args: readonly string[]): Process => startProduct({ tree, args, env: world.env });

  const daemon = (how: LiveOptions = {}): Promise<Facts> =>
    liveOn(['daemon'], {
      ...how,
      before: async () => {
        await how.before?.();
        if (existsSync(world.ledger) && history.looks.at(-1)?.ledger) missTick(world, jobs);
      },
      whileIt: how.whileIt ?? ((process) => untilItRan(process, jobs.length, history)),
    });

  const ask = (args: readonly string[], how: LiveOptions = {}): Promise<Facts> => {
    let answered = false;
    return daemon({
      ...how,
      until: (facts, life) => answered && (how.until?.(facts, life) ?? true),
      whileIt: async (process) => {
        await saysWithin(process, 'referry: ready', 1, DAEMON_MS);
        const asked = start(args);
        const end = await asked.done;
        answered = end.code === 0 || end.code === 3;
        if (end.code === undefined || !ASKED_ENDS.has(end.code))
          complain(history, 'other', 'I9', `${args.join(' ')}: exit ${end.code}\n${end.stderr}${end.stdout}`);
        process.kill('SIGTERM');
      },
    });
  };

  return {
    chance,
    world,
    sampler: createSampler(chanceOf(`${seed} samples`), now),
    job(change, id = 'feed') {
      if (!jobs.includes(id)) jobs.push(id);
      world.job(id, change);
    },
    drop(
      file,
      { job = 'feed', name = file.name, bytes = Buffer.from(file.text), resultsBase = name, sealed = false } = {},
    ) {
      world.put('inbox', name, bytes, 10_000 - history.files.length * 10);
      history.files.push({ job, name, file, resultsBase, sealed });
    },
    live: liveOn,
    daemon,
    ask,
    start,
    last: () => history.looks.at(-1) ?? { ledger: undefined, arrivals: [], requests: [], inbox: [] },
    verdict: (verdict) => void history.verdicts.push(verdict),
    released: (keys) => {
      for (const key of keys) history.released.set(key, (history.released.get(key) ?? 0) + 1);
    },
    complain: (kind, what) => complain(history, kind, scenario.name, what),
  };
}

/** A daemon without a ledger starts with its next tick; any other has missed one and starts with that. */
async function untilItRan(process: Process, jobs: number, history: History): Promise<void> {
  const first = !history.looks.at(-1)?.ledger;
  const [text, times] = first ? ['referry: ready', 1] : ['"msg":"run ', jobs * 2];
  await saysWithin(process, text, times, DAEMON_MS);
  process.kill('SIGTERM');
}

/** For a person who wants to see it again. */
export const tellLives = ({ lives }: History): string[] =>
  lives.map(({ args, kill, signal, code, point, ms }, i) => {
    const end = signal === 'SIGKILL' ? `died${point ? ` at ${point}` : ''}` : `exit ${code ?? signal}`;
    return `${i + 1}. ${args.join(' ')}, ${tellKill(kill)}: ${end} after ${Math.round(ms)} ms`;
  });
