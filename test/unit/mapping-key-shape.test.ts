import { describe, expect, test } from 'vitest';
import { createKeyShape, learnedFrom, roundedKeys, shortKeys } from '../../src/mapping/key-shape.ts';
import { eventSettings } from '../../src/mapping/settings.ts';

const settings = (key: object = {}) =>
  eventSettings.parse({ name: 'e', key: { from: 'id', ...key }, time: 'at', data: { email: 'email' } }).key;

function shapeOf(keys: readonly string[]) {
  const { add, shape } = createKeyShape();
  for (const key of keys) add(key);
  return shape;
}

const keys = (count: number, key: (n: number) => string): string[] => Array.from({ length: count }, (_, i) => key(i));
const padded = (n: number, width: number): string => String(n).padStart(width, '0');
const known = { width: 9, files: 3, rows: 3000, zeros: 300 };

describe('the shape of keys', () => {
  test('letters do not count; few keys, and keys that differ, teach nothing', () => {
    expect(shapeOf(['A-1', 'ABC', '12', '٣٤'])).toMatchObject({ numeric: 1 });
    expect(learnedFrom(shapeOf(keys(9, (n) => padded(n, 5))))).toBeUndefined();
    expect(learnedFrom(shapeOf(keys(50, (n) => String(80 + n))))).toBeUndefined();
    expect(learnedFrom(shapeOf([...keys(20, (n) => padded(n, 5)), 'A-1']))).toEqual({ width: 5, rows: 20, zeros: 20 });
  });

  test('shorter keys are suspicious where they are most, or where the zeros are gone', () => {
    const cut = shapeOf(keys(100, (n) => String(100 + n)));
    expect(shortKeys(cut, known, settings())).toMatchObject({ code: 'KEY_WIDTH' });
    expect(shortKeys(cut, known, settings({ width: 'accept' }))).toBeUndefined();
    // One key in ten had a zero in front; now none has, and as many are short.
    const some = shapeOf(keys(100, (n) => (n < 10 ? String(20_000_000 + n) : String(200_000_000 + n))));
    expect(shortKeys(some, known, settings())).toMatchObject({ code: 'KEY_WIDTH' });
    expect(shortKeys(some, { ...known, zeros: 0 }, settings())).toBeUndefined();
    const kept = shapeOf(keys(100, (n) => (n < 10 ? padded(n, 9) : String(200_000_000 + n))));
    expect(shortKeys(kept, known, settings())).toBeUndefined();
    const longer = shapeOf(keys(100, (n) => String(1_000_000_000 + n)));
    expect(shortKeys(longer, known, settings())).toBeUndefined();
  });

  test('long keys that mostly end in zeros after the 15th digit are rounded ones', () => {
    const rounded = shapeOf(keys(12, (n) => `${400_000_000_000_000 + n}00`));
    expect(roundedKeys(rounded, settings())).toMatchObject({
      code: 'KEY_ROUNDED',
      message: expect.stringContaining('12 of the 12'),
    });
    expect(roundedKeys(rounded, settings({ rounded: 'accept' }))).toBeUndefined();
    expect(roundedKeys(shapeOf(keys(12, (n) => `${400_000_000_000_000 + n}${n % 10}`)), settings())).toBeUndefined();
    expect(roundedKeys(shapeOf(keys(12, (n) => `${100_000 + n}000000000`)), settings())).toBeUndefined();
    expect(roundedKeys(shapeOf(keys(9, (n) => `${400_000_000_000_000 + n}0`)), settings())).toBeUndefined();
  });
});
