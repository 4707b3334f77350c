import { dirname, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readSource, sourceFiles } from './rooms-files.ts';

/** Static, type, re-exported and called imports, and `type T = import('...')`. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(['"`])(\.{1,2}\/[^'"`]*)\1/g;

/** What a file imports of this project, as paths relative to `src/`. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, , to = '']) => posix.normalize(posix.join(dirname(path), to)));
}

const roomOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);

const ROOMS = [
  'remotes',
  'parsing',
  'mapping',
  'ledger',
  'delivery',
  'destinations',
  'exports',
  'segments',
  'reports',
  'notices',
];

/** The rooms (or files beside them) that each room may import, beside itself and the nouns. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'model.ts': ['accounts.ts'],
  'accounts.ts': ['model.ts'],
  'settings.ts': [],
  'io.ts': [],
  ...Object.fromEntries(ROOMS.map((room) => [room, []])),
  sandbox: [],
  jobs: ROOMS,
  pipelines: ['jobs', ...ROOMS],
  schedule: ['pipelines', 'jobs', ...ROOMS],
  receivers: ['schedule', 'pipelines', 'jobs', ...ROOMS],
  commands: ['settings.ts', 'io.ts', 'receivers', 'schedule', 'pipelines', 'jobs', 'sandbox', ...ROOMS],
  'main.ts': ['commands'],
};

/** What destinations share: how a request is sent, how fast, how long to wait, and how a job file says so. */
const OF_DELIVERY = ['http', 'backoff', 'pacer', 'settings'].map((name) => `delivery/${name}.ts`);

function mayImport(from: string, to: string): boolean {
  if (to === 'model.ts' || to === 'accounts.ts') return from !== to;
  const [room, other] = [roomOf(from), roomOf(to)];
  if (room === 'destinations') {
    if (other === 'delivery') return OF_DELIVERY.includes(to);
    // Providers are siblings, too: extole/ knows nothing of another one's folder.
    const provider = (path: string): string => path.split('/').slice(0, 2).join('/');
    return other === room && (provider(from) === provider(to) || to.split('/').length === 2);
  }
  // A notice is sent as a request is; what it says is its own business.
  if (room === 'notices' && other === 'delivery') return to === 'delivery/http.ts';
  if (room === 'pipelines' && other === 'pipelines') {
    // The list of pipelines knows them all, and none of them knows the list.
    const whoKnowsAll = ['pipelines/registry.ts', 'pipelines/run-pipeline.ts'];
    if (whoKnowsAll.includes(from)) return true;
    if (whoKnowsAll.includes(to)) return false;
    // One pipeline may have folders of its own; it knows no other one's. How a file travels is the same in all of them.
    const pipeline = (path: string): string => path.split('/').slice(0, 2).join('/');
    if (pipeline(to) === 'pipelines/files') return true;
    return pipeline(from) === pipeline(to) || posix.dirname(from).startsWith(posix.dirname(to));
  }
  return room === other ? from.includes('/') : (MAY_IMPORT[room] ?? []).includes(other);
}

describe('the rooms', () => {
  test('every room of src has a rule', () => {
    expect([...new Set(sourceFiles().map(roomOf))].filter((room) => !(room in MAY_IMPORT))).toEqual([]);
  });

  test('imports go in the direction data flows, and siblings do not know each other', () => {
    const wrong = sourceFiles().flatMap((from) =>
      importsOf(from, readSource(from))
        .filter((to) => !mayImport(from, to))
        .map((to) => `${from} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  test('what is imported exists, under the name it has on disk', () => {
    const files = new Set(sourceFiles());
    const missing = sourceFiles().flatMap((from) =>
      importsOf(from, readSource(from))
        .filter((to) => !to.startsWith('../') && !files.has(to))
        .map((to) => `${from} imports ${to}`),
    );
    expect(missing).toEqual([]);
  });

  test.each([
    ["import { a } from '../ledger/open.ts';", 'a static import'],
    ["import type { A } from '../ledger/open.ts';", 'a type import'],
    ["import '../ledger/open.ts';", 'an import for its effect'],
    ["export { a } from '../ledger/open.ts';", 're-exporting'],
    ["const { a } = await import('../ledger/open.ts');", 'a called import'],
    ["type A = import('../ledger/open.ts').A;", 'a type query'],
    ["import {\n  a,\n} from '../ledger/open.ts';", 'an import over several lines'],
  ])('%s is seen as an import', (text) => {
    expect(importsOf('parsing/x.ts', text)).toEqual(['ledger/open.ts']);
    expect(mayImport('parsing/x.ts', 'ledger/open.ts')).toBe(false);
  });

  test('a file of a room may import its neighbours and the nouns, and no more of delivery than destinations share', () => {
    expect(mayImport('parsing/a.ts', 'parsing/b.ts')).toBe(true);
    expect(mayImport('parsing/a.ts', 'model.ts')).toBe(true);
    expect(mayImport('destinations/extole/a.ts', 'delivery/http.ts')).toBe(true);
    expect(mayImport('destinations/extole/a.ts', 'delivery/window.ts')).toBe(false);
    expect(mayImport('destinations/extole/a.ts', 'destinations/other/a.ts')).toBe(false);
    expect(mayImport('pipelines/files/a.ts', 'commands/run.ts')).toBe(false);
    expect(mayImport('sandbox/sftp/a.ts', 'remotes/sftp.ts')).toBe(false);
    expect(mayImport('sandbox/start.ts', 'sandbox/sftp/a.ts')).toBe(true);
  });
});
