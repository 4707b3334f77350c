import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type CheckWorld, goodRows } from './check.ts';

const ROWS = 20;

/**
 * A server that takes fewer bytes than it acknowledges, and one whose disk is full after a few: in both cases a partner must not see
 * a file before it is whole, and must see the whole one once the server is well again.
 */
export const check: Check = {
  title: 'a results file appears whole or not at all, whatever the server did to the bytes',
  async run(stage) {
    const complaints: string[] = [];
    for (const [name, quirk] of [
      ['a server that throws bytes away with a yes', { truncateSilently: 100 }],
      ['a server whose disk is full', { failWriteAfterBytes: 100 }],
    ] as const) {
      const world = await stage.world();
      world.job('feed');
      world.drop('a.csv', goodRows('A', ROWS));
      await world.servers.quirks(quirk);
      const end = await world.run('feed');
      if (end.code === 0) complaints.push(`${name}: the run says that all went well`);
      complaints.push(...halves(world).map((half) => `${name}: ${half}`));
      await world.servers.quiet();
      const again = await world.run('feed');
      complaints.push(...halves(world).map((half) => `${name}, and well again: ${half}`));
      if (!world.files('results').includes('a.csv.results.csv'))
        complaints.push(`${name}: never published (exit ${again.code})`);
    }
    return complaints;
  },
};

/** A header and a line for each row, or it is half a file. */
function halves(world: CheckWorld): string[] {
  const visible = world.files('results').filter((name) => !name.startsWith('.'));
  return visible.flatMap((name) => {
    const lines = readFileSync(join(world.served, 'results', name), 'utf8').split('\n').length - 1;
    return lines === ROWS + 1 ? [] : [`${name} is there with ${lines} lines of ${ROWS + 1}`];
  });
}
