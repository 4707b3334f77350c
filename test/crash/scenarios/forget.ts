import type { Scenario } from '../scenario.ts';

const EMAIL = 'regular@private.example';

/** A person asks to be forgotten: the rows keep their outcome, and the text of them goes, however often the command dies. */
export const scenario: Scenario = {
  name: 'forget',
  about: 'forget a person, killed between each two steps',
  weight: 0.7,
  reaches: { forget: ['staging-forgotten', 'results-forgotten'] },
  world: { remote: 'local' },
  faults: { extole: 0.2 },
  async tell(story) {
    story.job();
    for (const day of [1, 2, 3]) {
      const { name, text } = story.sampler.file(`day-${day}.csv`, { rows: 5, plain: day > 1 });
      const at = text.split('\n')[1]?.match(/\d{4}-[^,]+Z/)?.[0] ?? '';
      story.drop({ name, text: `${text}R${day}-0001,${EMAIL},M-REGULAR,${at},1.00\n` });
    }
    await story.live(['run', 'feed', '--json'], { kills: 2 });
    story.verdict({ verdict: 'forgotten', email: EMAIL });
    await story.live(['forget', EMAIL, '--yes', '--json'], { kills: 7, until: () => true });
    for (const folder of ['results', 'reports'])
      for (const name of story.world.files(folder))
        if (story.world.read(`${folder}/${name}`).toString('utf8').toLowerCase().includes(EMAIL))
          story.complain('other', `${folder}/${name} has ${EMAIL}`);
    story.drop(story.sampler.file('day-4.csv', { rows: 5, plain: true }));
    await story.live(['run', 'feed', '--json'], { kills: 2 });
  },
};
