import type { Scenario, Story } from '../scenario.ts';

const DAY = 86_400_000;

/** Makes everything that the ledger knows older. What guards delivered rows is put aside for that. */
function age({ world }: Story, days: number): void {
  world.tamper((db) => {
    const guards = db
      .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
      .all();
    db.transaction(() => {
      for (const { name } of guards) db.exec(`DROP TRIGGER ${name}`);
      const ms = days * DAY;
      db.exec(
        `UPDATE processings SET opened_at = opened_at - ${ms}, closed_at = closed_at - ${ms}, settled_at = settled_at - ${ms}`,
      );
      db.exec(`UPDATE deliveries SET answered_at = answered_at - ${ms}, claimed_at = claimed_at - ${ms}`);
      for (const { sql } of guards) db.exec(sql);
    })();
  });
}

/** What is kept long enough goes: staged files after a month, keys after more than a year. Nothing of it is sent again. */
export const scenario: Scenario = {
  name: 'prune',
  about: 'prune, killed between each two steps; pruned files that come again',
  weight: 0.7,
  reaches: { prune: ['staging-pruned', 'keys-pruned', 'records-pruned'] },
  world: { remote: 'local' },
  faults: { extole: 0.2 },
  async tell(story) {
    story.job();
    const first = story.sampler.file('day-1.csv', { rows: 10, plain: true });
    const second = story.sampler.file('day-2.csv', { rows: 8 });
    for (const file of [first, second]) story.drop(file);
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    age(story, 31);
    await story.live(['prune', '--json'], { kills: 4, until: () => true });
    // The same file under another name: it is known, and nothing of it leaves.
    story.drop({ name: 'day-1-again.csv', text: first.text });
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    for (const day of [3, 4]) {
      age(story, 500);
      await story.live(['prune', '--json'], { kills: 5, until: () => true });
      story.drop(story.sampler.file(`day-${day}.csv`, { rows: 5, plain: true }));
      await story.live(['run', 'feed', '--json'], { kills: 1 });
      age(story, 31);
      await story.live(['prune', '--json'], { kills: 3, until: () => true });
    }
  },
};
