import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { handFiles } from '../by-hand.ts';
import { isThrough } from '../facts.ts';
import { heldRows } from '../holding.ts';
import type { InputFile } from '../oracle.ts';
import type { Scenario, Story } from '../scenario.ts';
import { laneOf } from '../world.ts';

/** The file that carries a row, as My Extole gives it back: each row accepted. */
function resultsOfExtole({ world }: Story, { text }: InputFile): string {
  const file = handFiles(world.root).findLast(({ rows }) =>
    rows.some(({ fields }) => fields.some((field) => /^F\d/.test(field) && text.includes(field))),
  );
  if (!file) throw new Error('nothing lies in the folder for manual uploads');
  const { delimiter, header, rows, name } = file;
  const told = rows.map(({ input }) => ['success', '', input].join(delimiter));
  const path = join(world.root, name.replace(/(\.\w+)$/, '-results$1'));
  writeFileSync(path, `${[['status', 'message', ...header].join(delimiter), ...told].join('\n')}\n`);
  return path;
}

/** Files are put aside for a person, who uploads them by hand and says that Extole has them. */
export const scenario: Scenario = {
  name: 'lane-folder',
  about: 'run, lane folder: files for a manual upload, confirmed by a person',
  weight: 0.7,
  reaches: {
    confirm: ['confirmed', 'results-read'],
    run: ['upload-named', 'upload-written', 'upload-planned', 'uploaded'],
  },
  world: { remote: 'local' },
  rules: { by: 'hand' },
  faults: { extole: 0 },
  async tell(story) {
    story.job({ destination: { extole: laneOf(story.world, 'folder') } });
    for (const day of [1, 2, 3, 4]) {
      const file = story.sampler.file(`day-${day}.csv`, { rows: 5, plain: day > 1 });
      story.drop(file);
      await story.live(['run', 'feed', '--json'], { kills: 2, until: isThrough });
      const how = day === 4 ? [] : ['--results', resultsOfExtole(story, file)];
      for (let round = 0; heldRows(story.last()).length > 0 && round < 4; round++) {
        await story.live(['confirm', file.name, ...how, '--reason', 'My Extole says all of it', '--json'], {
          kills: round === 0 ? 3 : 0,
          until: () => true,
          // A person who gives it twice is told that nothing waits any more.
          ends: [0, 2, 3, 4],
        });
      }
      await story.live(['run', 'feed', '--json'], { kills: 1, until: isThrough });
    }
  },
};
