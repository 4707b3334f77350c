import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isThrough } from '../facts.ts';
import { releaseAll } from '../holding.ts';
import type { Scenario, Story } from '../scenario.ts';

const BACKUPS = 'backups';
/** What became of the rows is found out by the command itself, or by the first run after one that died. */
const LOOKING = ['restored-found', 'outcomes-taken-over', 'rows-held'];
const AFTERWARDS = 'run after the restore';

const backupsOf = ({ world }: Story): string[] => {
  const folder = join(world.state, BACKUPS);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.filter((name) => /^ledger-.*\.sqlite$/.test(name)).map((name) => join(folder, name));
};

/**
 * Backups made before, while and after rows are sent; then the ledger is lost and one of them takes its place. Nothing that the lost
 * ledger had a yes for leaves again, but by a person's word.
 */
export const scenario: Scenario = {
  name: 'backup-restore',
  about: 'backup while rows are sent, the ledger lost, restore killed in the middle, rows released by a person',
  weight: 1.5,
  reaches: {
    restore: ['ledger-set-aside', 'ledger-restored', ...LOOKING],
    [AFTERWARDS]: LOOKING,
  },
  world: { remote: 'local' },
  rules: { ordered: false, restored: true },
  faults: { extole: 0.2 },
  async tell(story) {
    const run = ['run', 'feed', '--json'];
    story.job();
    const first = story.sampler.file('day-1.csv', { rows: 10 });
    story.drop(first);
    await story.live(run, { kills: 2, until: () => true });
    await story.live(['backup', '--json'], { kills: 2, until: () => backupsOf(story).length > 0, ends: [0, 4] });

    // The time that the backup knows nothing of; some rows are on their way when the ledger is lost.
    story.drop(story.sampler.file('day-2.csv', { rows: 8, before: [first] }));
    await story.live(run, { kills: 3, until: () => true, mayDie: story.chance.hit(0.5) });
    story.drop(story.sampler.file('day-3.csv', { rows: 12 }));
    await story.live(run, { kills: 2, until: () => true, mayDie: true });

    const backup = story.chance.pick([backupsOf(story)[0] ?? '', ...backupsOf(story)]);
    const lost = story.chance.hit(0.5);
    if (lost) for (const part of ['', '-wal', '-shm']) rmSync(story.world.ledger + part, { force: true });
    // Given again after a death in the middle, it may find a ledger that is there by now.
    await story.live(['restore', backup, '--replace', '--json'], {
      kills: 12,
      until: (_, { point, signal }) => signal === undefined || (point !== undefined && LOOKING.includes(point)),
      mayDie: story.chance.hit(0.5),
    });
    await story.live(run, { kills: 5, until: isThrough, chapter: AFTERWARDS });
    await releaseAll(story, 'live', 2);
  },
};
