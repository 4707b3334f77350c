import { expect, test } from 'vitest';
import { z } from 'zod';
import { deliverySettings } from '../../src/delivery/settings.ts';

test('everything has a default, and durations become milliseconds', () => {
  expect(deliverySettings.parse(undefined)).toEqual({
    window: 256,
    concurrency: { start: 4, max: 128 },
    timeout: { headers: 15_000, total: 30_000 },
    maxAttempts: 6,
    maxAmbiguous: 5,
    outageAfter: 120_000,
    backoff: { first: 1000, cap: 30_000 },
    unknown: 'auto',
  });
});

test('one value may be given and the others keep their defaults', () => {
  const settings = deliverySettings.parse({ timeout: { total: '90s' }, concurrency: { max: 8 } });
  expect(settings.timeout).toEqual({ headers: 15_000, total: 90_000 });
  expect(settings.concurrency).toEqual({ start: 4, max: 8 });
});

test.each([
  [{ timeout: { total: 30 } }, 'timeout.total'],
  [{ timeout: { total: '0s' } }, 'timeout.total'],
  [{ outageAfter: '2 minutes' }, 'outageAfter'],
  [{ concurrency: { start: 9, max: 8 } }, 'concurrency'],
  [{ backoff: { first: '1m' } }, 'backoff'],
  [{ unknown: 'maybe' }, 'unknown'],
  [{ windows: 3 }, ''],
])('%j is refused with the name of the field', (input, path) => {
  const result = deliverySettings.safeParse(input);
  expect(result.error?.issues[0]?.path.join('.')).toBe(path);
});

test('the schema for editors describes every field', () => {
  const schema = z.toJSONSchema(deliverySettings, { io: 'input' });
  expect(Object.keys(schema.properties ?? {})).toContain('outageAfter');
  for (const field of Object.values(schema.properties ?? {})) {
    expect(field).toHaveProperty('description');
  }
});
