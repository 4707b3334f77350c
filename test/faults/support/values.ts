import { expect } from 'vitest';
import { readResults } from '../../integration/support/e2e-results.ts';
import { csv, row } from '../../integration/support/e2e-rows.ts';
import { PATIENT, type Request, type World } from '../../integration/support/e2e-world.ts';

/** A value, and what becomes of its row: `delivered`, or `rejected` with a code; `sent`: how it arrives. */
export type Value = readonly [value: string, fate: string, sent?: string];

export const quoted = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Runs one file of a job with a row for each value, and compares what became of each and how it arrived. */
export async function runValues(
  world: World,
  job: string,
  change: Record<string, unknown>,
  values: readonly Value[],
  column: 'id' | 'email' | 'member' | 'at' | 'amount' | 'note',
  arrived: (request: Request) => string | undefined,
): Promise<string> {
  world.job(job, {
    source: { match: `${job}.csv` },
    delivery: PATIENT,
    file: { maxRejected: 1, sharedKey: 1 },
    ...change,
  });
  const list = values.map(([value], i) => {
    const base: Record<string, string> = { ...row(`${job}-${i}`), note: 'n' };
    base[column] = value;
    return ['id', 'email', 'member', 'at', 'amount', 'note'].map((name) => quoted(base[name] ?? '')).join(',');
  });
  world.drop(`${job}.csv`, csv(list, 'id,email,member,at,amount,note'));
  const before = world.requests().length;
  const { run, stdout, stderr } = await world.run(job);
  expect(run, stderr).toMatchObject({ balanced: true, read: values.length, open: 0, failed: 0 });
  const results = world.read(`results/${job}.csv.results.csv`);
  const lines = readResults(results);
  expect(lines.map(({ outcome, code }, i) => [values[i]?.[0], `${outcome} ${code}`.trim()])).toEqual(
    values.map(([value, fate]) => [value, fate]),
  );
  expect(world.requests()).toHaveLength(before + values.filter(([, fate]) => fate === 'delivered').length);
  const sent = new Map(world.requests().map((request) => [request.eventId, arrived(request)] as const));
  for (const [i, [value, , expected]] of values.entries()) {
    if (expected === undefined) continue;
    expect([value, sent.get(lines[i]?.eventId ?? '')]).toEqual([value, expected]);
  }
  const page = run.reportPath?.replace(/^.*served\//, '') ?? '';
  const told = ['html', 'csv', 'json'].map((ending) => world.read(page.replace(/html$/, ending)).toString());
  return [stdout, stderr, ...told].join('\n');
}
