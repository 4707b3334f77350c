import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Scenario } from '../scenario.ts';

/** The day of cut-over: what another system has delivered is not delivered again. */
export const scenario: Scenario = {
  name: 'import-keys',
  about: 'import-keys, then rows with imported keys',
  weight: 0.5,
  reaches: { 'import-keys': ['keys-imported'] },
  world: { remote: 'local' },
  faults: { extole: 0.2 },
  async tell(story) {
    story.job();
    const file = story.sampler.file('rows.csv', { rows: 16, plain: true });
    const keys = file.text
      .split('\n')
      .slice(1, 13)
      .map((line) => line.split(',')[0]?.replaceAll('"', '') ?? '');
    for (const key of keys) story.verdict({ verdict: 'imported', key });
    // Each part is one batch: who dies after it has nothing more to take in.
    for (let part = 0; part < keys.length; part += 2) {
      const old = join(story.world.root, `old-${part}.csv`);
      writeFileSync(old, `id\n${keys.slice(part, part + 2).join('\n')}\n`);
      await story.live(['import-keys', old, '--job', 'feed', '--json'], { kills: 3, until: () => true });
    }
    story.drop(file);
    await story.live(['run', 'feed', '--json'], { kills: 4 });
  },
};
