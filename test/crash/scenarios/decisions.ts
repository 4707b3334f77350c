import { isThrough } from '../facts.ts';
import { heldRows } from '../holding.ts';
import type { InputFile } from '../oracle.ts';
import type { Scenario, Story } from '../scenario.ts';

/** A file of which most rows are refused is held as a whole. */
function suspicious(story: Story, name: string): InputFile {
  const { text } = story.sampler.file(name, { rows: 6, plain: true });
  const bad = Array.from({ length: 9 }, (_, i) => `${name}-${i},bad@private.example,M-B,,1.00`);
  return { name, text: `${text}${bad.join('\n')}\n` };
}

/** The key that two rows of a file contradict each other about, and the line of the second. */
function torn({ text }: InputFile): { key: string; line: number } {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => /-8000,.*,2\.00$/.test(line));
  return { key: lines[at]?.split(',')[0] ?? '', line: at + 1 };
}

const DECIDING = 'deciding';
const WHY = ['--reason', 'because', '--json'];

/** What people decide about rows and files, carried out by a daemon that dies in it, or by the command itself. */
export const scenario: Scenario = {
  name: 'decisions',
  about: 'release, reject and resolve, through a daemon that dies and without one',
  weight: 1.5,
  reaches: { [DECIDING]: ['decision-planned', 'decision-applied'] },
  world: { remote: 'local' },
  rules: { ordered: false },
  faults: { extole: 0.2 },
  async tell(story) {
    story.job();
    const rows = story.sampler.file('rows.csv', { rows: 8 });
    const rejected = suspicious(story, 'to-reject.csv');
    const released = suspicious(story, 'to-release.csv');
    for (const file of [rows, rejected, released]) story.drop(file);
    await story.live(['run', 'feed', '--json'], { kills: 3 });
    const by = story.chance.pick(['ask', 'live'] as const);
    const { key, line } = torn(rows);
    story.verdict({ verdict: 'resolve', key, line });
    story.verdict({ verdict: 'reject-file', file: 'to-reject.csv' });
    for (const command of [
      ['reject', 'to-reject.csv', ...WHY],
      ['resolve', key, '--line', `${line}`, ...WHY],
      ['release', 'to-release.csv', ...WHY],
    ]) {
      await story[by](command, { kills: 4, until: () => true, chapter: DECIDING });
      await story.live(['run', 'feed', '--json'], { kills: 1, until: isThrough });
    }
    if (heldRows(story.last()).length > 0)
      story.complain('lost', `rows are held: ${JSON.stringify(heldRows(story.last()))}`);
  },
};
