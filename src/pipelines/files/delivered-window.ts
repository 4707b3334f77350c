import { compileZone } from '../../mapping/zone.ts';
import { dayOf } from '../../reports/roll-up.ts';

const DAY = 86_400_000;

/**
 * The midnight at which a window of so many days begins, `today` (YYYY-MM-DD, in the job's zone) included; milliseconds since 1970. Where clocks
 * changed since, it is no older than so many days: what is older may be pruned.
 */
export function windowOf(now: number, days: number, timezone: string): { since: number; today: string } {
  const today = dayOf(new Date(now).toISOString(), timezone);
  const midnight = compileZone(timezone, { gap: 'later', overlap: 'earlier' })(Date.parse(today) - (days - 1) * DAY);
  const earliest = now - days * DAY;
  return { since: midnight.ok ? Math.max(midnight.ms, earliest) : earliest, today };
}
