import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AT, csv, HEADER, lineOf, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

/** What acts on a terminal, or reorders what is read there. Line ends apart. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
const ACTING = /[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e]/;
const LONGEST = 6000;

describe('column names that were made to harm', () => {
  let world: World;
  let told = '';
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { source: { match: '*.{csv,jsonl}' }, delivery: PATIENT, file: { maxRejected: 1 } });
    const evil = '\u001b[2J\u202eevil';
    const huge = 'h'.repeat(300_000);
    const files: Record<string, string> = {
      'missing.csv': csv([row('A-1')]).replace('amount', evil),
      'twice.csv': csv([`${lineOf(row('A-2'))},1,2`], `${HEADER},${evil},${evil}`),
      'hugetwice.csv': csv([`${lineOf(row('A-3'))},1,2`], `${HEADER},${huge},${huge}`),
      'hugemissing.csv': csv([row('A-4')]).replace('amount', huge),
      'reserved.csv': csv([`${lineOf(row('A-5'))},1`], `${HEADER}, __proto__${' '.repeat(5000)}`),
      'keys.jsonl': [
        `{"${huge}":1,"${huge} ":2}`,
        `{"\\u001b[2J":"\\ud800"}`,
        `{"${huge}":"a\\u0000"}`,
        `{"id":"J-1","email":"j@private.example","member":"M","at":"${AT}","amount":"1.00"}`,
      ].join('\n'),
    };
    for (const [i, [name, text]] of Object.entries(files).entries()) world.drop(name, text, 900 - i);
    const end = await world.cli(['run', 'feed']);
    const more = await Promise.all([world.cli(['status']), world.cli(['files', 'feed'])]);
    told = [end, ...more].map(({ stdout, stderr }) => stdout + stderr).join('\n');
  });
  afterAll(() => world.close());

  it('I12, I13, I20: are told cut and with nothing that acts, in the terminal, the log, results and reports', () => {
    expect(world.files('refused')).toHaveLength(5);
    expect(world.requests()).toHaveLength(1);
    expect(ACTING.exec(told)?.[0]).toBeUndefined();
    for (const line of told.split('\n')) expect(line.length).toBeLessThan(LONGEST);
    for (const name of world.files('results').filter((each) => each.endsWith('csv'))) {
      const text = world.read(`results/${name}`).toString();
      expect(`${name} ${ACTING.exec(text)?.[0] ?? 'clean'}`).toBe(`${name} clean`);
      expect(text.length).toBeLessThan(LONGEST);
    }
    for (const name of world.files('reports'))
      for (const line of world.read(`reports/${name}`).toString().split('\n')) expect(line.length).toBeLessThan(40_000);
    const lines = world.read('results/keys.jsonl.results.jsonl').toString().trimEnd().split('\n');
    const reasons = lines.map((line): { code?: string; reason?: string } => JSON.parse(line));
    expect(reasons.map(({ code }) => code ?? '')).toEqual(['JSON_DUPLICATE_KEY', 'LONE_SURROGATE', 'NUL_BYTE', '']);
    for (const { reason = '' } of reasons) {
      expect(reason.length).toBeLessThan(1000);
      expect(ACTING.exec(reason)?.[0]).toBeUndefined();
    }
  });
});
