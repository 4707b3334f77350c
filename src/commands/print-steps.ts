import { visible } from '../reports/visible.ts';
import type { Step } from './examine.ts';
import { table } from './print.ts';

/** Things that were tried, for people: `ok`, what, and what came of it; below a failure, what to do. */
export function stepLines(steps: readonly Step[]): string[] {
  const told = joined(steps);
  const lines = table(
    told.map(({ verdict, step, detail }) => [verdict, step, detail]),
    '  ',
  );
  return lines.flatMap((line, i) => {
    const hint = told[i]?.verdict === 'ok' ? undefined : told[i]?.hint;
    return hint === undefined ? [line] : [line, visible(`        -> ${hint}`)];
  });
}

/** What worked in one folder is told in one line. */
function joined(steps: readonly Step[]): Step[] {
  const told: Step[] = [];
  for (const step of steps) {
    const last = told.at(-1);
    const folder = folderOf(step);
    if (last && folder !== undefined && folderOf(last) === folder) {
      const detail = `${last.detail},${step.detail.slice(folder.length).replace('a file can be ', '')}`;
      told[told.length - 1] = { step: `${last.step}, ${step.step}`, verdict: 'ok', detail };
    } else told.push(step);
  }
  return told;
}

const FOLDER_STEP = /^(list|write|rename)\b/;

/** `inbox:`, where a step is about a folder and went well. */
function folderOf({ step, verdict, detail }: Step): string | undefined {
  if (verdict !== 'ok' || !FOLDER_STEP.test(step)) return undefined;
  const end = detail.lastIndexOf(': ');
  return end < 0 ? undefined : detail.slice(0, end + 1);
}
