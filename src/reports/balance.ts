import { type Counts, type FileAccount, OUTCOMES, type RunAccount } from '../model.ts';
import { formatUnits, groupCount, parseUnits } from './money.ts';

/** Whether two sides of an account are equal; `imbalance` has both numbers where they are not. */
export type Balance = { balanced: true } | { balanced: false; imbalance: string };

/**
 * For a file: read = the six outcomes + open. For a run, with the rows that earlier runs left to it:
 * carried in + read = the six outcomes + open.
 */
export function balanceOf(counts: Counts, carriedIn?: number): Balance {
  for (const [name, count] of Object.entries(counts))
    if (!Number.isSafeInteger(count) || count < 0) return differs(`${name} is ${count}, which is no number of rows`);
  const came = counts.read + (carriedIn ?? 0);
  const became = accountedFor(counts);
  if (came === became) return { balanced: true };
  const left =
    carriedIn === undefined
      ? `read ${groupCount(came)}`
      : `carried in ${groupCount(carriedIn)} + read ${groupCount(counts.read)} = ${groupCount(came)}`;
  const gap = Math.abs(came - became);
  const rows = `${groupCount(gap)} ${gap === 1 ? 'row' : 'rows'} ${came > became ? 'unaccounted for' : 'too many'}`;
  return differs(`${left}, but outcomes + open = ${groupCount(became)}: ${rows}`);
}

/** The six outcomes and open, added up. */
export function accountedFor(counts: Counts): number {
  return OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], counts.open);
}

/** Every file seen was processed, held, refused, or is open. */
export function balanceOfFiles(seen: RunAccount['seen']): Balance {
  const accounted = seen.processed + seen.held + seen.refused + seen.open;
  if (seen.files === accounted) return { balanced: true };
  return differs(
    `${groupCount(seen.files)} files seen, but processed + held + refused + open = ${groupCount(accounted)}`,
  );
}

/** A file balances as a whole, in each event name, in their sum, and to the last decimal of its money. */
export function balanceOfFile(file: FileAccount): Balance {
  const whole = balanceOf(file.counts);
  if (!whole.balanced) return whole;
  let eventRows = 0;
  for (const event of file.byEvent) {
    const balance = balanceOf(event.counts);
    if (!balance.balanced) return differs(`event ${event.eventName || '(none)'}: ${balance.imbalance}`);
    eventRows += event.counts.read;
    for (const [currency, totals] of Object.entries(event.money)) {
      const { read = '0', ...parts } = totals;
      const sum = Object.values(parts).reduce((units, amount) => units + parseUnits(amount), 0n);
      if (parseUnits(read) !== sum)
        return differs(
          `event ${event.eventName || '(none)'}: read ${read} ${currency}, but outcomes + open = ${formatUnits(sum)} ${currency}`,
        );
    }
  }
  if (file.byEvent.length > 0 && eventRows !== file.counts.read)
    return differs(`read ${groupCount(file.counts.read)}, but its event names have ${groupCount(eventRows)} rows`);
  return { balanced: true };
}

function differs(imbalance: string): Balance {
  return { balanced: false, imbalance };
}
