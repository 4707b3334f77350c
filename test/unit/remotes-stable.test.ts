import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hasMarker,
  isBeingWritten,
  isCandidateName,
  judgeStability,
  markerFor,
  matchPattern,
  type Observation,
} from '../../src/remotes/stable.ts';
import { cpuMs } from './processor-time.ts';

/** Looks at a file at each time; the sizes and mtimes are those found. */
function looks(...found: [now: number, size: number, mtime: number][]): boolean[] {
  let seen: Observation | undefined;
  return found.map(([now, size, mtime]) => {
    const { observation, stable } = judgeStability(seen, { size, mtime }, now, 60_000);
    seen = observation;
    return stable;
  });
}

describe('judging whether a file has stopped growing', () => {
  it('takes two looks, one stable period apart', () => {
    expect(looks([0, 5, 1], [59_999, 5, 1], [60_000, 5, 1])).toEqual([false, false, true]);
  });

  it('starts again when the size changes after a pause, or only the time does', () => {
    expect(looks([0, 5, 1], [30_000, 6, 1], [60_000, 6, 1], [90_000, 6, 1])).toEqual([false, false, false, true]);
    expect(looks([0, 5, 1], [30_000, 5, 2], [60_000, 5, 2], [90_000, 5, 2])).toEqual([false, false, false, true]);
  });

  it('does not care what the mtime says: old, in the future, none, or going backwards', () => {
    for (const mtime of [0, 1, 4e12]) expect(looks([1e12, 5, mtime], [1e12 + 60_000, 5, mtime])).toEqual([false, true]);
    expect(looks([0, 5, 900], [60_000, 5, 100], [120_000, 5, 100])).toEqual([false, false, true]);
  });

  it('waits a whole period again when our own clock went back, and never for ever', () => {
    expect(looks([1e9, 5, 1], [5e8, 5, 1], [5e8 + 60_000, 5, 1])).toEqual([false, false, true]);
  });

  it('is stable at some time whatever the clock does, once the file rests', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e9, max: 1e9 }), { maxLength: 20 }), (jumps) => {
        let now = 1e12;
        const found: [number, number, number][] = [];
        for (const jump of jumps) {
          now += jump;
          found.push([now, 5, 1]);
        }
        found.push([now + 60_000, 5, 1], [now + 120_000, 5, 1]);
        expect(looks(...found).at(-1)).toBe(true);
      }),
    );
  });

  it('remembers when a file was first seen', () => {
    const first = judgeStability(undefined, { size: 1, mtime: 1 }, 100, 10).observation;
    expect(judgeStability(first, { size: 2, mtime: 1 }, 200, 10).observation).toEqual({
      size: 2,
      mtime: 1,
      firstSeen: 100,
      lastSeen: 200,
      stableSince: 200,
    });
  });
});

describe('names', () => {
  it('that are hidden, unfinished or ours are no candidates', () => {
    const never = [
      '',
      '.x.csv',
      'x.csv.tmp',
      'x.PART',
      'x.csv.filepart',
      'x.crdownload',
      'x.swp',
      'x.csv~',
      'x.partial',
    ];
    const ours = [
      'x.csv.results.csv',
      'x.csv.results.r2.csv',
      'x.csv.gz.results.csv',
      'x.jsonl.results.r13.jsonl',
      'x.report.html',
    ];
    for (const name of [...never, ...ours]) expect([name, isCandidateName(name)]).toEqual([name, false]);
    for (const name of ['x.csv', 'results.csv', 'x.csv.gz', 'part-00001.csv', 'x']) {
      expect([name, isCandidateName(name)]).toEqual([name, true]);
    }
  });

  it('have a sibling while they are being written', () => {
    expect(isBeingWritten('x.csv', new Set(['x.csv', 'x.csv.filepart']))).toBe(true);
    expect(isBeingWritten('x.csv', new Set(['x.csv', 'y.csv.filepart']))).toBe(false);
  });

  it('have a marker file after a pattern', () => {
    expect(markerFor('a.b.csv', '{name}.done')).toBe('a.b.csv.done');
    expect(markerFor('a.b.csv', '{stem}.ok')).toBe('a.b.ok');
    expect(hasMarker('x.csv', '{name}.done', new Set(['x.csv.done']))).toBe(true);
    expect(hasMarker('x.csv', '{name}.done', new Set(['y.csv.done']))).toBe(false);
    expect(markerFor('$&.csv', '{name}.done')).toBe('$&.csv.done');
  });
});

describe('patterns', () => {
  it.each<[string, string[], string[]]>([
    [
      'account-*.csv',
      ['account-.csv', 'account-1.csv', 'account-a.csv.csv'],
      ['account.csv', 'Account-1.csv', 'account-1.csv.gz'],
    ],
    ['*.{csv,psv}', ['a.csv', 'a.psv'], ['a.tsv', 'a.{csv,psv}']],
    ['{a,b}{1,2}*', ['a1', 'b2x'], ['c1', 'a3']],
    ['{a,{b,c}}.csv', ['a.csv', 'b.csv', 'c.csv'], ['d.csv']],
    ['day-[0-9][0-9].csv', ['day-07.csv'], ['day-7.csv', 'day-0x.csv']],
    ['[!a]*', ['b', 'ba'], ['a', 'ab', '']],
    ['[]]x', [']x'], ['x']],
    ['a?c', ['abc', 'a\u{1f389}c'], ['ac', 'abbc']],
    ['a.c', ['a.c'], ['abc']],
    ['a[b', ['a[b'], ['ab']],
    ['(x|y)+', ['(x|y)+'], ['x']],
    ['*', ['', 'x', 'a\nb'], []],
  ])('%s', (pattern, matching, others) => {
    const matches = matchPattern(pattern);
    for (const name of matching) expect([name, matches(name)]).toEqual([name, true]);
    for (const name of others) expect([name, matches(name)]).toEqual([name, false]);
  });

  it('cannot be made slow', () => {
    const matches = matchPattern(`${'*a'.repeat(60)}b`);
    expect(matches('a'.repeat(255))).toBe(false);
    expect(cpuMs(() => matches('a'.repeat(255)))).toBeLessThan(200);
  });

  it('agree with a plain search for text between stars', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.stringMatching(/^[a-c]{0,3}$/),
        fc.stringMatching(/^[a-c]{0,8}$/),
        (_, middle, name) => {
          expect(matchPattern(`*${middle}*`)(name)).toBe(name.includes(middle));
        },
      ),
    );
  });
});
