import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fittingName } from '../../src/remotes/names.ts';

describe('a name that becomes part of a longer one', () => {
  it('stays what it is up to 200 bytes', () => {
    for (const name of ['a.csv', '', `${'x'.repeat(196)}.csv`, `${'é'.repeat(98)}.csv`])
      expect(fittingName(name)).toBe(name);
  });

  it('is cut where it is longer, begins and ends as before, and is told apart from others that begin so', () => {
    const one = fittingName(`openings-${'x'.repeat(240)}1.csv.gz`);
    const two = fittingName(`openings-${'x'.repeat(240)}2.csv.gz`);
    expect(one).toMatch(/^openings-x+~[0-9a-f]{8}\.csv\.gz$/);
    expect(one).not.toBe(two);
  });

  it('is never over 200 bytes, is no longer cut the second time, and holds no half of a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 20, maxLength: 300 }), (name) => {
        const fitting = fittingName(name);
        expect(Buffer.byteLength(fitting)).toBeLessThanOrEqual(200);
        expect(fittingName(fitting)).toBe(fitting);
        expect(fitting.isWellFormed()).toBe(name.isWellFormed());
      }),
    );
  });
});
