import { afterEach, expect, test } from 'vitest';
import { type BulkWorld, openBulkWorld, people } from './support/bulk-world.ts';
import { isThrough } from './support/e2e-crash-lanes.ts';
import { fates } from './support/e2e-results.ts';

let bulk: BulkWorld;

afterEach(() => bulk.world.close());

const NAMES = ['ann', 'ben', 'cid', 'dan', 'eve'];

/** Places where a process may die, by lane, in the order of a run; what was begun there is found again. */
const PLACES = {
  batch: [
    'sealed',
    'upload-named',
    'committed',
    'upload-written',
    'upload-planned',
    'uploaded',
    'batch-planned',
    'batch-started',
    'results-read',
    'publication-planned',
    'published',
  ],
  sftp: ['upload-written', 'upload-planned', 'uploaded', 'results-read', 'published'],
} as const;

test.each(['batch', 'sftp'] as const)(
  'on the lane %s processes that die at one place after the other lose nobody, and nobody gets two links',
  async (lane) => {
    bulk = await openBulkWorld({ lane });
    bulk.world.drop('a.csv', people(...NAMES));
    for (const place of PLACES[lane]) {
      const { signal, stderr } = await bulk.world.cli(['run', 'links', '--json'], { REFERRY_CRASH_AT: place });
      expect(signal, `${place}: ${stderr}`).toBe('SIGKILL');
    }
    for (let life = 0; life < 6 && !isThrough(bulk.world); life++) await bulk.world.cli(['run', 'links', '--json']);
    expect(fates(bulk.results())).toEqual(NAMES.map((_, i) => `${i + 2} delivered`));
    const links = bulk.atExtole();
    expect(bulk.world.extole.links.shareables).toHaveLength(NAMES.length);
    expect(bulk.results().map(({ eventId }) => eventId)).toEqual(Object.values(links));
    expect(await bulk.known()).toEqual(links);
    expect(bulk.world.taken()).toHaveLength(NAMES.length);
  },
);
