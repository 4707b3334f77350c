import { expect, test } from 'vitest';
import type * as z from 'zod';
import { compileMapping } from '../../src/mapping/compile.ts';
import { eventSettings } from '../../src/mapping/settings.ts';

const NOW = Date.UTC(2026, 10, 21);
const BASE = {
  name: 'account_opened',
  key: 'id',
  time: { from: 'at', format: ['iso', 'MM/dd/yyyy HH:mm'], timezone: 'UTC' },
  data: {
    email: 'email',
    product: 'product',
    cart_value: { from: 'amount', type: 'money', currency: { from: 'cur', default: 'USD' } },
  },
} satisfies z.input<typeof eventSettings>;
const ROW = {
  id: 'A',
  at: '2026-11-20T10:00:00Z',
  email: 'jane@example.com',
  product: 'Café',
  amount: '25.20',
  cur: 'USD',
};

/** The text that is hashed. */
function content(row: Record<string, string>, settings: Partial<z.input<typeof eventSettings>> = {}): string {
  const parsed = eventSettings.parse({ ...BASE, ...settings });
  const mapped = compileMapping(parsed, Object.keys(row), { fileName: 'x', now: NOW, hash: (text) => text })(
    Object.values(row),
    2,
  );
  return mapped.ok ? mapped.contentHash : mapped.code;
}

test('facts that differ in form only have the same content', () => {
  const same = content(ROW);
  expect(content({ ...ROW, email: ' Jane@EXAMPLE.com' })).toBe(same);
  expect(content({ ...ROW, amount: '25.2' })).toBe(same);
  expect(content({ ...ROW, product: 'Cafe\u0301 ' })).toBe(same);
  expect(content({ ...ROW, at: '2026-11-20T11:00:00+01:00' })).toBe(same);
  expect(content({ ...ROW, at: '11/20/2026 10:00' })).toBe(same);
  expect(content({ ...ROW, cur: '' })).toBe(same);
});

test('the order of columns and of fields, and columns that are not mapped, change nothing', () => {
  const reversed = Object.fromEntries(Object.entries(ROW).reverse());
  const { cart_value, ...others } = BASE.data;
  expect(content({ ...reversed, extra: 'x' })).toBe(content(ROW));
  expect(content(ROW, { data: { cart_value, ...others } })).toBe(content(ROW));
});

test('a difference in any mapped value, the time or the currency is a difference', () => {
  const contents = [
    ROW,
    { ...ROW, email: 'john@example.com' },
    { ...ROW, amount: '25.21' },
    { ...ROW, cur: 'CAD' },
    { ...ROW, product: '' },
    { ...ROW, product: 'café' },
    { ...ROW, at: '2026-11-20T10:00:01Z' },
  ].map((row) => content(row));
  expect(new Set(contents).size).toBe(contents.length);
});

test('no value can be mistaken for two', () => {
  const data = { email: 'email', a: 'a', b: 'b' };
  const one = content({ ...ROW, a: 'x;1:b=1:y', b: '' }, { data });
  const two = content({ ...ROW, a: 'x', b: 'y' }, { data });
  expect(one).not.toBe(two);
});

test('only what compare names counts where a job says so', () => {
  const compare = ['email', 'event_time'];
  expect(content({ ...ROW, amount: '1', product: 'x' }, { compare })).toBe(content(ROW, { compare }));
  expect(content({ ...ROW, at: '2026-11-20T10:00:01Z' }, { compare })).not.toBe(content(ROW, { compare }));
  expect(content({ ...ROW, at: '2026-11-20T10:00:01Z' }, { compare: ['email'] })).toBe(
    content(ROW, { compare: ['email'] }),
  );
});

test('columns that come along by themselves do not count, those that are listed do', () => {
  expect(content({ ...ROW, extra: 'x' }, { passthrough: true })).toBe(
    content({ ...ROW, extra: 'y' }, { passthrough: true }),
  );
  expect(content({ ...ROW, extra: 'x' }, { passthrough: ['extra'] })).not.toBe(
    content({ ...ROW, extra: 'y' }, { passthrough: ['extra'] }),
  );
  const compare = ['email', 'extra'];
  expect(content({ ...ROW, extra: 'x' }, { passthrough: true, compare })).not.toBe(
    content({ ...ROW, extra: 'y' }, { passthrough: true, compare }),
  );
});

test('a field added to the job changes nothing for rows that have no value for it', () => {
  expect(content({ ...ROW, plan: '' }, { data: { ...BASE.data, plan: 'plan' } })).toBe(content(ROW));
});
