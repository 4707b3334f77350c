import { afterAll, beforeAll, describe, it } from 'vitest';
import { openWorld, type Request, type World } from '../integration/support/e2e-world.ts';
import { runValues, type Value } from './support/values.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const HOUR = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();
const now = Date.now();

describe('times', () => {
  const time = (change: object): Record<string, unknown> => ({
    event: { time: { from: 'at', ...change }, maxAge: '20000d' },
    retention: { keys: '30000d' },
  });
  const instant = (request: Request): string => request.body.event_time.replace('.000Z', 'Z');

  it('I39: only what the job declares is a time; nothing rolls over, nothing is guessed', async () => {
    await runValues(
      world,
      'iso',
      time({ format: 'iso', timezone: 'America/New_York' }),
      [
        ['2026-01-15T10:00:00Z', 'delivered', '2026-01-15T10:00:00Z'],
        ['2026-01-15T10:00:00-0500', 'delivered', '2026-01-15T15:00:00Z'],
        ['2026-01-15T10:00:00+05:30', 'delivered', '2026-01-15T04:30:00Z'],
        ['2026-01-15 10:00:00', 'delivered', '2026-01-15T15:00:00Z'],
        ['2026-01-15', 'delivered', '2026-01-16T04:59:59Z'],
        ['2024-02-29', 'delivered', '2024-03-01T04:59:59Z'],
        ...[
          '01/15/2026',
          '15.01.2026',
          'Nov 5 26',
          '1795128067',
          '1795128067000',
          '46346',
          '26-01-15',
          '2024-02-30',
          '2025-02-29T00:00:00Z',
          '2026-01-15T24:00:00Z',
          '2026-01-15T23:59:60Z',
          '2026-1-5',
          '2026-01-15T10:00:00 America/New_York',
          '+002026-01-15T10:00:00Z',
          'now',
        ].map((text): Value => [text, 'rejected TIME_INVALID']),
        ['', 'rejected TIME_MISSING'],
      ],
      'at',
      instant,
    );
    await runValues(
      world,
      'declared',
      time({ format: ['MM/dd/yyyy', 'epoch-s', 'excel-serial', 'd MMM yyyy'], timezone: 'UTC' }),
      [
        ['03/04/2026', 'delivered', '2026-03-04T23:59:59Z'],
        ['1772582400', 'delivered', '2026-03-04T00:00:00Z'],
        ['46085.5', 'delivered', '2026-03-04T12:00:00Z'],
        ['4 Mar 2026', 'delivered', '2026-03-04T23:59:59Z'],
        ['13/04/2026', 'rejected TIME_INVALID'],
        ['3/4/2026', 'rejected TIME_INVALID'],
        ['2026-03-04', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });

  it('I40: a local time that clocks leave out or give twice rejects its row; without any zone, so does one without an offset', async () => {
    await runValues(
      world,
      'clocks',
      time({ format: 'yyyy-MM-dd HH:mm', timezone: 'America/New_York' }),
      [
        ['2026-03-08 01:59', 'delivered', '2026-03-08T06:59:00Z'],
        ['2026-03-08 02:30', 'rejected TIME_GAP'],
        ['2026-03-08 03:00', 'delivered', '2026-03-08T07:00:00Z'],
        ['2025-11-02 00:59', 'delivered', '2025-11-02T04:59:00Z'],
        ['2025-11-02 01:30', 'rejected TIME_OVERLAP'],
        ['2025-11-02 02:00', 'delivered', '2025-11-02T07:00:00Z'],
      ],
      'at',
      instant,
    );
    await runValues(
      world,
      'zoneless',
      time({ format: 'iso' }),
      [
        ['2026-03-08T02:30:00Z', 'delivered', '2026-03-08T02:30:00Z'],
        ['2026-03-08T02:30:00', 'rejected TIME_INVALID'],
        ['2026-03-08', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });

  it('I41: years 9999 and 1900, 26 hours ahead, 400 days ago are rejected by name (older than event.maxAge is rejected, not warned of)', async () => {
    await runValues(
      world,
      'far',
      {},
      [
        ['9999-12-31T23:59:59Z', 'rejected TIME_FUTURE'],
        [iso(now + 26 * HOUR), 'rejected TIME_FUTURE'],
        [iso(now + 22 * HOUR), 'delivered'],
        [iso(now - 364 * 24 * HOUR), 'delivered'],
        [iso(now - 400 * 24 * HOUR), 'rejected TIME_TOO_OLD'],
        ['1900-01-01T00:00:00Z', 'rejected TIME_TOO_OLD'],
        ['0001-01-01T00:00:00Z', 'rejected TIME_INVALID'],
      ],
      'at',
      instant,
    );
  });
});
