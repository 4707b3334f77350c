import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { FAULTS } from './faults.ts';

const IDS = /^[NHCSIX]\d\d(?:, [NHCSIX]\d\d)*(?=: )/;
/** As they stand in a test file: the beginning of a string. */
const TITLES = /(?<=['"`])[NHCSIX]\d\d(?:, [NHCSIX]\d\d)*(?=: )/g;

/** Where a test with an id may be. */
const FOLDERS = ['test/unit', 'test/integration', 'test/faults', 'test/properties', 'test/long', 'test/crash'];

/** The ids at the beginning of the title of a test. */
export function idsOf(title: string): string[] {
  return IDS.exec(title)?.[0].split(', ') ?? [];
}

/** Test files to the ids in them, and in the suites that several of them share. */
export function filesWithIds(): Map<string, string[]> {
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.startsWith('matrix/'))
      .map((name) => join(folder, name)),
  ).map((path) => {
    const text = readFileSync(path, 'utf8');
    return { path, text, ids: [...text.matchAll(TITLES)].flatMap(([match]) => match.split(', ')) };
  });
  const suites = sources.filter(({ path, ids }) => path.endsWith('-suite.ts') && ids.length > 0);
  const tests = sources.filter(({ path }) => path.endsWith('.test.ts'));
  const idsIn = ({ text, ids }: (typeof tests)[number]): string[] => [
    ...ids,
    ...suites.filter(({ path }) => text.includes(`/${basename(path)}'`)).flatMap((suite) => suite.ids),
  ];
  return new Map(tests.map((test) => [test.path, idsIn(test)] as const).filter(([, ids]) => ids.length > 0));
}

/** `partly`: some of its tests passed and the others were skipped, so that it counts neither as passed nor as skipped. */
export type Status = 'passed' | 'partly' | 'failed' | 'skipped' | 'absent' | 'missing';

export interface MatrixRow {
  id: string;
  what: string;
  status: Status;
  /** How many of its tests ran, why the others did not, or why there is none. */
  why: string;
  tests: string[];
}

/** How a test ended. `fullName`: its title behind those of what it stands in, which may say why it was skipped. */
export interface TestEnd {
  title: string;
  fullName?: string;
  status: string;
}

/** One row a fault: failed where one of its tests failed, passed only where all of them ran. */
export function matrixOf(results: readonly TestEnd[]): MatrixRow[] {
  const byId = new Map<string, TestEnd[]>();
  for (const result of results) for (const id of idsOf(result.title)) byId.set(id, [...(byId.get(id) ?? []), result]);
  return FAULTS.map(({ id, what, absent }) => {
    const own = byId.get(id) ?? [];
    const tests = own.map(({ title }) => title);
    if (own.length === 0)
      return { id, what, status: absent ? 'absent' : 'missing', why: absent ?? 'no test has this id', tests };
    const passed = own.filter(({ status }) => status === 'passed');
    const skipped = own.filter(({ status }) => status === 'skipped' || status === 'pending');
    const bad = own.filter((each) => !passed.includes(each) && !skipped.includes(each));
    if (bad.length > 0) return { id, what, status: 'failed', why: bad.map(({ title }) => title).join('; '), tests };
    if (skipped.length === 0)
      return { id, what, status: 'passed', why: `${own.length} ${own.length === 1 ? 'test' : 'tests'}`, tests };
    const reasons = [...new Set(skipped.map(reasonOf))].join('; ');
    const why = `${passed.length} of ${own.length} ran, ${skipped.length} skipped: ${reasons}`;
    return { id, what, status: passed.length > 0 ? 'partly' : 'skipped', why, tests };
  });
}

/** Why a test was skipped, which it says in its title or in that of what it stands in. */
const reasonOf = ({ title, fullName }: TestEnd): string =>
  /\bskipped[:,] ([^()]*(?:\([^()]*\)[^()]*)*)/.exec(fullName ?? title)?.[1]?.trim() ??
  'what it needs is not installed here';
