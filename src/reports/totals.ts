import type { EventAccount } from '../accounts.ts';
import type { FileAccount } from '../model.ts';
import { formatUnits, parseUnits } from './money.ts';
import { sumCounts } from './tally.ts';
import { COLUMNS } from './words.ts';

/** The event accounts of several files, added up by event name, sorted by it. */
export function eventTotals(files: readonly FileAccount[]): EventAccount[] {
  return mergeEvents(files.flatMap((file) => file.byEvent));
}

/** Event accounts added up by event name, sorted by it. Money stays apart by currency, exact. */
export function mergeEvents(events: readonly EventAccount[]): EventAccount[] {
  const byName = new Map<string, EventAccount[]>();
  for (const event of events) {
    const same = byName.get(event.eventName);
    if (same === undefined) byName.set(event.eventName, [event]);
    else same.push(event);
  }
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([eventName, parts]) => {
      const total: EventAccount = {
        eventName,
        counts: sumCounts(parts.map((part) => part.counts)),
        money: moneyOf(parts),
      };
      const firsts = parts.flatMap((part) => part.firstEventTime ?? []);
      const lasts = parts.flatMap((part) => part.lastEventTime ?? []);
      const first = earliest(firsts);
      const last = earliest(lasts, -1);
      if (first !== undefined) total.firstEventTime = first;
      if (last !== undefined) total.lastEventTime = last;
      return total;
    });
}

function moneyOf(parts: readonly EventAccount[]): EventAccount['money'] {
  const units = new Map<string, Map<string, bigint>>();
  for (const { money } of parts) {
    for (const [currency, totals] of Object.entries(money)) {
      const sums = units.get(currency) ?? new Map<string, bigint>();
      units.set(currency, sums);
      for (const [column, amount] of Object.entries(totals))
        sums.set(column, (sums.get(column) ?? 0n) + parseUnits(amount));
    }
  }
  const money: EventAccount['money'] = {};
  for (const [currency, sums] of [...units].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const totals: EventAccount['money'][string] = {};
    for (const column of COLUMNS) {
      const sum = sums.get(column);
      if (sum !== undefined) totals[column] = formatUnits(sum);
    }
    money[currency] = totals;
  }
  return money;
}

/** Compared as instants: `09:00Z` is later than `09:00.500Z` as text. */
function earliest(times: readonly string[], direction: 1 | -1 = 1): string | undefined {
  return [...times].sort((a, b) => direction * (Date.parse(a) - Date.parse(b)))[0];
}
