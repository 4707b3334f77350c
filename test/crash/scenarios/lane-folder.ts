import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { handFiles } from '../by-hand.ts';
import { isThrough } from '../facts.ts';
import { heldRows } from '../holding.ts';
import type { Scenario, Story } from '../scenario.ts';
import { laneOf } from '../world.ts';

/** The file as My Extole gives it back: each row accepted. */
function resultsOfExtole({ world }: Story): string {
  const [file] = handFiles(world.root);
  if (!file) throw new Error('nothing lies in the folder for manual uploads');
  const { delimiter, header, rows, name } = file;
  const lines = [
    ['status', 'message', ...header].join(delimiter),
    ...rows.map(({ input }) => ['success', '', input].join(delimiter)),
  ];
  const path = join(world.root, name.replace(/(\.\w+)$/, '-results$1'));
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

/** Files are put aside for a person, who uploads them by hand and says that Extole has them. */
export const scenario: Scenario = {
  name: 'lane-folder',
  about: 'run, lane folder: files for a manual upload, confirmed by a person',
  weight: 0.7,
  world: { remote: 'local' },
  rules: { by: 'hand' },
  faults: { extole: 0 },
  async tell(story) {
    story.job({ destination: { extole: laneOf(story.world, 'folder') } });
    const first = story.sampler.file('day-1.csv', { rows: 12 });
    const second = story.sampler.file('day-2.csv', { rows: 8, before: [first] });
    for (const file of [first, second]) {
      story.drop(file);
      await story.live(['run', 'feed', '--json'], { kills: 5, until: isThrough });
      const how = file === first ? ['--results', resultsOfExtole(story)] : [];
      for (let round = 0; heldRows(story.last()).length > 0 && round < 4; round++) {
        await story.live(['confirm', file.name, ...how, '--reason', 'My Extole says all of it', '--json'], {
          kills: round === 0 ? 4 : 0,
          until: () => true,
          // A person who gives it twice is told that nothing waits any more.
          ends: [0, 2, 3, 4],
        });
        await story.live(['run', 'feed', '--json'], { kills: 1, until: isThrough });
      }
    }
  },
};
