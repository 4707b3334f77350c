import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { chanceOf } from '../crash/chance.ts';
import { foretell } from '../crash/oracle.ts';
import { pointsOf } from '../crash/points.ts';
import { createSampler } from '../crash/samples.ts';

const ROOT = new URL('../../', import.meta.url);
const NOW = Date.parse('2026-11-21T12:00:00Z');
const HEADER = 'id,email,member,at,amount';
const AT = '2026-11-20T10:00:00Z';

const told = (...lines: string[]): string[] => {
  const files = [{ name: 'a.csv', text: `${[HEADER, ...lines].join('\n')}\n` }];
  const rows = foretell(files, { now: NOW, eventName: 'e' }).files.get('a.csv') ?? [];
  return rows.map(({ line, outcome, code }) => `${line} ${outcome} ${code}`.trim());
};

describe('the oracle of the crash harness', () => {
  it('imports nothing of the product, nor does what makes the samples and reads the results', () => {
    for (const file of [
      'oracle.ts',
      'oracle-csv.ts',
      'oracle-links.ts',
      'samples.ts',
      '../integration/support/e2e-results.ts',
      'check-end.ts',
      'check-links.ts',
      'check-life.ts',
      'facts.ts',
    ]) {
      const text = readFileSync(new URL(`test/crash/${file}`, ROOT), 'utf8');
      const imports = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from ?? '');
      expect(
        imports.filter((from) => from.includes('src/')),
        file,
      ).toEqual([]);
    }
  });

  it('foretells rows of one file: the first of the same, none of those that contradict each other', () => {
    expect(
      told(
        `A,a@x.example,M,${AT},1.00`,
        `"A",A@x.example,M,${AT},1.0`,
        `B,b@x.example,M,${AT},1.00`,
        `B,b@x.example,M,${AT},2.00`,
      ),
    ).toEqual([
      '2 delivered',
      '3 duplicate DUPLICATE_IN_FILE',
      '4 conflict CONFLICT_IN_FILE',
      '5 conflict CONFLICT_IN_FILE',
    ]);
    expect(told(`"A\nB",a@x.example,M,${AT},1.00`, `C,c@x.example,M,,1.00`)).toEqual([
      '2 delivered',
      '4 rejected TIME_MISSING',
    ]);
  });

  it('foretells rows of a later file by what the earlier one delivered', () => {
    const first = { name: '1.csv', text: `${HEADER}\nA,a@x.example,M,${AT},1.00\nB,,M,nonsense,1.00\n` };
    const second = {
      name: '2.csv',
      text: `${HEADER}\nA,a@x.example,M,${AT},1.00\nA,a@x.example,M,${AT},1\nB,,M,${AT},1.00\n`,
    };
    const third = { name: '3.csv', text: `${HEADER}\nA,a@x.example,M,${AT},3.00\n` };
    const { files, payloads, orders } = foretell([first, second, third], { now: NOW, eventName: 'e' });
    expect(files.get('2.csv')?.map(({ outcome, code }) => `${outcome} ${code}`)).toEqual([
      'duplicate DUPLICATE',
      'duplicate DUPLICATE_IN_FILE',
      'delivered ',
    ]);
    expect(files.get('3.csv')).toMatchObject([{ outcome: 'conflict', code: 'CONFLICT' }]);
    expect([...payloads.keys()]).toEqual(['A', 'B']);
    expect([...orders]).toEqual([['M', ['A', 'B']]]);
  });

  it('is asked about samples that hold every outcome, and the places to die are found in the sources', () => {
    const sampler = createSampler(chanceOf('any'), NOW);
    const first = sampler.file('1.csv', { rows: 20 });
    const second = sampler.file('2.csv', { rows: 8, before: [first] });
    const rows = [...foretell([first, second], { now: NOW, eventName: 'e' }).files.values()].flat();
    expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(
      new Set(['delivered', 'duplicate', 'conflict', 'rejected']),
    );
    expect(pointsOf(ROOT.pathname)).toEqual(
      expect.arrayContaining(['taking', 'committed', 'published', 'keys-pruned']),
    );
  });
});
