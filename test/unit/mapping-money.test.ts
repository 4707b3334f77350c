import { describe, expect, test } from 'vitest';
import { compileMapping } from '../../src/mapping/compile.ts';
import { eventSettings } from '../../src/mapping/settings.ts';
import { BASE, dataOf, GOOD, mapRow, NOW, type Settings } from './mapping-rows-setup.ts';

describe('money', () => {
  const cart = { cart_value: { from: 'x', type: 'money', currency: 'USD', locale: 'en' } } as const;

  test('is sent as an exact decimal and told apart from the data', () => {
    const mapped = mapRow({ ...GOOD, x: '$1,234.5' }, { data: { ...BASE.data, ...cart } });
    expect(mapped).toMatchObject({
      event: { data: { cart_value: '1234.50' } },
      money: { currency: 'USD', units: 12_345_000n },
    });
  });

  test('of several fields, cart_value is the one that counts; else the first; none where the row has none', () => {
    const fee = { fee: { from: 'y', type: 'money', currency: 'EUR' } } as const;
    const money = (data: Settings['data'], x: string) => {
      const mapped = mapRow({ ...GOOD, x, y: '2' }, { data: { ...BASE.data, ...data } });
      return mapped.ok ? mapped.money : mapped.code;
    };
    expect(money({ ...fee, ...cart }, '1')).toEqual({ currency: 'USD', units: 10_000n });
    expect(money(fee, '1')).toEqual({ currency: 'EUR', units: 20_000n });
    expect(money({ ...fee, ...cart }, '')).toBeUndefined();
  });

  test('of one row is not left over for the next', () => {
    const settings = eventSettings.parse({ ...BASE, data: { ...BASE.data, ...cart } });
    const map = compileMapping(settings, [...Object.keys(GOOD), 'x'], {
      fileName: 'x',
      now: NOW,
      hash: (text) => text,
    });
    const [first, second] = ['5', ''].map((x) => map([...Object.values(GOOD), x], 2));
    expect(first?.ok && first.money).toEqual({ currency: 'USD', units: 50_000n });
    expect(second).not.toHaveProperty('money');
  });

  test('takes its currency from a column, if that is an allowed one', () => {
    const data: Settings['data'] = {
      cart_value: { from: 'x', type: 'money', currency: { from: 'c', default: 'USD', allowed: ['USD', 'JPY'] } },
    };
    expect(dataOf({ x: '5', c: 'JPY' }, data)).toEqual({ cart_value: '5' });
    expect(dataOf({ x: '5', c: '' }, data)).toEqual({ cart_value: '5.00' });
    expect(dataOf({ x: '5', c: 'EUR' }, data)).toBe('MONEY_INVALID');
    expect(dataOf({ x: '5', c: 'jpy' }, data)).toBe('MONEY_INVALID');
  });

  test('that is not in the declared notation rejects the row and says what is', () => {
    const mapped = mapRow({ ...GOOD, x: '1.234,50' }, { data: { ...BASE.data, ...cart } });
    expect(mapped).toMatchObject({
      code: 'MONEY_INVALID',
      reason: 'column "x": found "1.234,50"; allowed: an amount written as 1,234.50, not below zero, in USD',
    });
  });
});
