import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chanceOf } from './chance.ts';
import type { Kind, Violation } from './history.ts';
import type { Experience, Kill } from './kill.ts';
import type { Life } from './life.ts';
import { type Partners, startPartners } from './partners.ts';
import { pointsOf } from './points.ts';
import type { Scenario } from './scenario.ts';
import { type Servers, startServers } from './servers/open.ts';
import { type Keep, type Told, tellLives, tellStory } from './story.ts';

export interface CrashOptions {
  /** Milliseconds after which no new story is begun, unless too little was tried by then. */
  ms: number;
  /** Milliseconds after which none is begun in any case. */
  mostMs: number;
  seed: string;
  /** A checkout: the product under test. */
  tree: string;
  /** Stories side by side. */
  workers: number;
  /** Only these scenarios; default all. */
  only: readonly string[];
  /** Only this story of the one scenario. */
  story?: number;
  kills?: readonly (Kill | null)[];
  keep: Keep;
  /** Ends at the first violation. */
  stopEarly: boolean;
  say(line: string): void;
}

export interface CrashFigures {
  kills: number;
  startupKills: number;
  scenarios: number;
  stories: number;
  rows: number;
  lost: number;
  doubled: number;
  phantom: number;
  unbalanced: number;
  violations: number;
  points: Record<string, number>;
  seed: string;
  seconds: number;
}

/** What a full run must have tried. */
export const LEAST_KILLS = 600;
export const LEAST_HITS = 20;

/** How often each named place is to be hit in a full run: some more than are asked for, since the last ones are the rarest. */
const QUOTA = 21;

export async function loadScenarios(): Promise<Scenario[]> {
  const folder = new URL('scenarios/', import.meta.url);
  const names = readdirSync(fileURLToPath(folder)).filter((name) => name.endsWith('.ts'));
  const loaded: { scenario: Scenario }[] = await Promise.all(
    names.sort().map((name) => import(new URL(name, folder).href)),
  );
  return loaded.map(({ scenario }) => scenario);
}

/** Tells stories side by side until the time is over. */
export async function runCrash(options: CrashOptions): Promise<CrashFigures> {
  const known = await loadScenarios();
  const scenarios = options.only.length === 0 ? known : known.filter(({ name }) => options.only.includes(name));
  if (scenarios.length === 0)
    throw new Error(`no such scenario; there are ${known.map(({ name }) => name).join(', ')}`);
  const started = performance.now();
  const book = createBook(pointsOf(options.tree), scenarios, options);
  const servers = startServers();
  const partners = startPartners();
  const chooser = createChooser(scenarios, book, options.seed);
  const goesOn = (): boolean => {
    const ms = performance.now() - started;
    return !book.over() && (ms < options.ms || (ms < options.mostMs && !book.enough()));
  };
  const work = async (): Promise<void> => {
    do {
      const { scenario, nth } = chooser.next();
      await one(options, { scenario, nth, book, servers, partners });
    } while (goesOn());
  };
  try {
    const only = scenarios[0];
    if (options.story !== undefined && only)
      await one(options, { scenario: only, nth: options.story, book, servers, partners });
    else await Promise.all(Array.from({ length: options.workers }, work));
  } finally {
    partners.stop();
    await servers.stop();
  }
  return book.figures(Math.round((performance.now() - started) / 1000));
}

interface OneStory {
  scenario: Scenario;
  nth: number;
  book: Book;
  servers: Servers;
  partners: Partners;
}

async function one(options: CrashOptions, { scenario, nth, book, servers, partners }: OneStory): Promise<void> {
  const started = performance.now();
  const told = await tellStory({
    ...{ scenario, servers, partners, tree: options.tree, keep: options.keep, kills: options.kills },
    seed: `${options.seed} ${scenario.name} ${nth}`,
    experience: (chapter) => book.experience(scenario, chapter),
    lived: (life, chapter) => book.lived(scenario, life, chapter),
  });
  book.add(scenario.name, told, performance.now() - started);
  if (told.history.violations.length === 0 && options.keep !== 'all') return;
  const replay = JSON.stringify(told.history.lives.map(asItWas));
  const lines = [
    `${scenario.name}, story ${nth}, seed ${options.seed}: its files are in ${told.kept ?? 'nowhere'}`,
    ...tellLives(told.history),
    ...told.history.violations.map(({ kind, invariant, what }) => `  ${invariant} ${kind}: ${what}`),
    `again: npm run test:crash -- --seed ${options.seed} --scenario ${scenario.name} --story ${nth} --kills '${replay}'`,
  ];
  options.say(lines.join('\n'));
}

/** The death of a life, to play it again: where it could have been one of many places, the one that it was. */
function asItWas({ kill, point, signal }: Life): Kill | null {
  if (!kill || signal !== 'SIGKILL') return null;
  if (point === undefined || kill.at !== 'points') return kill;
  return { at: 'points', points: kill.points.filter((each) => each.split(':')[0] === point) };
}

interface Book {
  experience(scenario: Scenario, chapter: string): Experience;
  lived(scenario: Scenario, life: Life, chapter: string): void;
  add(scenario: string, told: Told, ms: number): void;
  over(): boolean;
  /** Every place was hit often enough, and there were deaths enough. */
  enough(): boolean;
  /** How much a second of a scenario could still do for points that were not hit often enough. */
  promise(scenario: Scenario): number;
  figures(seconds: number): CrashFigures;
}

function createBook(
  points: readonly string[],
  scenarios: readonly Scenario[],
  { seed, stopEarly, say }: CrashOptions,
): Book {
  const hits = new Map(points.map((point): [string, number] => [point, 0]));
  /** Points that a command came by, by scenario and chapter. */
  const ways = new Map<string, Map<string, Set<string>>>();
  for (const { name, reaches = {} } of scenarios)
    ways.set(name, new Map(Object.entries(reaches).map(([command, its]) => [command, new Set(its)])));
  const told = new Map<string, { stories: number; ms: number }>();
  const violations: Violation[] = [];
  const sums = { kills: 0, startupKills: 0, stories: 0, rows: 0 };
  let openMs = 300;
  let lastSaid = performance.now();
  const hitsOf = (point: string): number => hits.get(point) ?? 0;
  const missing = (): string[] => points.filter((point) => hitsOf(point) < QUOTA).sort((a, b) => hitsOf(a) - hitsOf(b));
  const count = (kind: Kind): number => violations.filter((each) => each.kind === kind).length;
  return {
    experience: ({ name }, chapter) => {
      const wanted = missing();
      const near = wanted.filter((point) => ways.get(name)?.get(chapter)?.has(point));
      return { openMs, wanted, near, sated: points.filter((point) => !wanted.includes(point)) };
    },
    lived({ name }, { point, touchedMs }, chapter) {
      if (touchedMs !== undefined) openMs = openMs * 0.9 + touchedMs * 0.1;
      if (point === undefined) return;
      hits.set(point, (hits.get(point) ?? 0) + 1);
      const its = ways.get(name) ?? new Map<string, Set<string>>();
      its.set(chapter, (its.get(chapter) ?? new Set()).add(point));
      ways.set(name, its);
    },
    add(scenario, { history, rows }, ms) {
      sums.kills += history.kills;
      sums.startupKills += history.startupKills;
      sums.stories++;
      sums.rows += rows;
      violations.push(...history.violations);
      const before = told.get(scenario) ?? { stories: 0, ms: 0 };
      told.set(scenario, { stories: before.stories + 1, ms: before.ms + ms });
      if (performance.now() - lastSaid < 5000) return;
      lastSaid = performance.now();
      const rare = missing().map((point) => `${point} ${hits.get(point)}`);
      say(
        `${sums.kills} kills in ${sums.stories} stories, ${violations.length} violations; below ${QUOTA}: ${rare.join(', ')}`,
      );
    },
    over: () => stopEarly && violations.length > 0,
    enough: () => sums.kills >= LEAST_KILLS && points.every((point) => hitsOf(point) >= LEAST_HITS),
    promise: ({ name }) => {
      const its = new Set([...(ways.get(name)?.values() ?? [])].flatMap((each) => [...each]));
      const { stories, ms } = told.get(name) ?? { stories: 1, ms: 10_000 };
      const worth = missing()
        .filter((point) => its.has(point))
        .reduce((sum, point) => sum + (QUOTA - hitsOf(point)) / QUOTA, 0);
      return (worth * 10_000 * stories) / ms;
    },
    figures: (seconds) => ({
      kills: sums.kills,
      startupKills: sums.startupKills,
      scenarios: told.size,
      stories: sums.stories,
      rows: sums.rows,
      lost: count('lost'),
      doubled: count('doubled'),
      phantom: count('phantom'),
      unbalanced: count('unbalanced'),
      violations: violations.length,
      points: Object.fromEntries([...hits].sort(([a], [b]) => a.localeCompare(b))),
      seed,
      seconds,
    }),
  };
}

/** Each scenario once, then those that promise the most. */
function createChooser(
  scenarios: readonly Scenario[],
  book: Book,
  seed: string,
): { next(): { scenario: Scenario; nth: number } } {
  const chance = chanceOf(`${seed} order`);
  const nth = new Map<string, number>();
  const order = [...scenarios].map((scenario) => ({ scenario, at: chance.next() })).sort((a, b) => a.at - b.at);
  const fresh = order.map(({ scenario }) => scenario);
  const choose = (): Scenario => {
    const first = fresh.shift();
    if (first) return first;
    const weights = scenarios.map((scenario) => (scenario.weight ?? 1) * 0.15 + book.promise(scenario));
    let r = chance.next() * weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, scenario] of scenarios.entries()) {
      r -= weights[i] ?? 0;
      if (r < 0) return scenario;
    }
    throw new Error('there is no scenario');
  };
  return {
    next: () => {
      const scenario = choose();
      const n = (nth.get(scenario.name) ?? 0) + 1;
      nth.set(scenario.name, n);
      return { scenario, nth: n };
    },
  };
}
