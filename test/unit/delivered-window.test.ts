import { expect, test } from 'vitest';
import { windowOf } from '../../src/pipelines/files/delivered-window.ts';

const at = (text: string): number => Date.parse(text);

test('a window of some days begins at the midnight of the first of them, in the zone of the job', () => {
  const noon = at('2026-11-22T12:00:00Z');
  expect(windowOf(noon, 3, 'UTC')).toEqual({ since: at('2026-11-20T00:00:00Z'), today: '2026-11-22' });
  expect(windowOf(noon, 1, 'America/New_York')).toEqual({ since: at('2026-11-22T05:00:00Z'), today: '2026-11-22' });
});

test('where clocks were set back within it, it is no older than so many days', () => {
  const late = at('2026-11-02T04:59:30Z');
  expect(windowOf(late, 1, 'America/New_York')).toEqual({ since: at('2026-11-01T04:59:30Z'), today: '2026-11-01' });
});
