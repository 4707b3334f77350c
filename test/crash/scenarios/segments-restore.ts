import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { complain } from '../history.ts';
import { isSynced, range, segmentsJob, snapshot } from '../members.ts';
import type { Scenario } from '../scenario.ts';

/** What became of the files is found out by the command itself, or by the first run after one that died. */
const LOOKING = ['restored-found', 'outcomes-taken-over', 'rows-held'];
const AFTERWARDS = 'run after the restore of segments';

/** The last file: it names all of those before but for the first ones. */
const LAST = { vip: range(3, 20), new: range(52, 64) };

/** A ledger that knows nothing of the last syncs, and a target that cannot be read: a person lets the next one, and the target has what it says. */
export const scenario: Scenario = {
  name: 'segments-restore',
  about: 'segments of membership files, the ledger lost while they are synced, a backup restored',
  weight: 0.5,
  reaches: { restore: LOOKING, [AFTERWARDS]: LOOKING },
  world: { remote: 'local', tools: ['cohorts'] },
  rules: { by: 'person', restored: true },
  faults: { extole: 0.15 },
  async check({ history }) {
    const found = new Set(Object.keys(await history.world.servers.stored('cohorts')));
    const wanted = new Set(Object.entries(LAST).flatMap(([segment, its]) => its.map((n) => `${segment} user-${n}`)));
    for (const each of wanted)
      if (!found.has(each)) complain(history, 'lost', 'I1', `the target should have ${each}, and has not`);
    for (const each of found)
      if (!wanted.has(each)) complain(history, 'phantom', 'I2', `the target has ${each}, and should not`);
  },
  async tell(story) {
    const { world } = story;
    const run = ['run', 'feed', '--json'];
    story.job(segmentsJob(story, 'snapshot'));
    story.drop(snapshot('day-1.csv', { vip: range(0, 9), new: range(50, 56) }));
    await story.live(run, { kills: 1, until: isSynced });
    await story.live(['backup', '--json'], { kills: 0, until: () => true, ends: [0, 4] });
    story.drop(snapshot('day-2.csv', { vip: range(2, 12), new: range(51, 60) }));
    await story.live(run, { kills: 2, until: isSynced });
    story.drop(snapshot('day-3.csv', { vip: range(3, 15), new: range(52, 60) }));
    await story.live(run, { kills: 2, until: () => true, mayDie: story.chance.hit(0.5) });

    const folder = join(world.state, 'backups');
    const backups = existsSync(folder) ? readdirSync(folder).filter((name) => /^ledger-.*\.sqlite$/.test(name)) : [];
    for (const part of ['', '-wal', '-shm']) rmSync(world.ledger + part, { force: true });
    await story.live(['restore', join(folder, backups[0] ?? ''), '--replace', '--json'], {
      kills: 3,
      until: (_, { point, signal }) => signal === undefined || (point !== undefined && LOOKING.includes(point)),
      mayDie: story.chance.hit(0.5),
    });
    await story.live(run, { kills: 2, until: isSynced, chapter: AFTERWARDS });
    story.drop(snapshot('day-4.csv', LAST));
    await story.live(run, { kills: 1, until: isSynced });
    await story.live(['release', 'day-4.csv', '--reason', 'looked at the cohort', '--json'], {
      kills: 1,
      until: () => true,
    });
    await story.live(run, { kills: 1, until: isSynced });
  },
};
