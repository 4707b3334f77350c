import type { EventAccount, ReasonAccount } from '../accounts.ts';
import { type Counts, type Money, OUTCOMES, type Outcome } from '../model.ts';
import { maskReason } from './mask.ts';
import { formatUnits } from './money.ts';

export type RowState = Outcome | 'open';

/** What one row adds to its file's account. */
export interface TallyRow {
  line: number;
  state: RowState;
  code: string;
  reason: string;
  /** Empty where the row was rejected before its event name was known. */
  eventName: string;
  money?: Money | undefined;
  /** Milliseconds since 1970. */
  eventMs?: number | undefined;
}

export type TallyPieces = { counts: Counts; byEvent: EventAccount[]; reasons: ReasonAccount[] };

/** Adds rows up to the pieces of a file's account. Memory grows with event names, currencies and codes, not with rows. */
export interface Tally {
  add(row: TallyRow): void;
  pieces(): TallyPieces;
}

const STATES = [...OUTCOMES, 'open'] as const;
const INDEX: Readonly<Record<RowState, number>> = {
  delivered: 0,
  duplicate: 1,
  conflict: 2,
  rejected: 3,
  failed: 4,
  held: 5,
  open: 6,
};
const MOST_EXAMPLES = 5;

interface EventTally {
  name: string;
  counts: number[];
  /** Units by state for each currency. */
  money: Map<string, bigint[]>;
  first: number;
  last: number;
}

export function createTally(): Tally {
  const events = new Map<string, EventTally>();
  const reasons = new Map<string, ReasonAccount>();
  let current: EventTally | undefined;

  const eventTally = (name: string): EventTally => {
    if (current?.name === name) return current;
    current = events.get(name);
    if (current === undefined) {
      current = { name, counts: STATES.map(() => 0), money: new Map(), first: Infinity, last: -Infinity };
      events.set(name, current);
    }
    return current;
  };

  return {
    add(row) {
      const index = INDEX[row.state];
      const event = eventTally(row.eventName);
      event.counts[index] = (event.counts[index] ?? 0) + 1;
      if (row.money !== undefined) addMoney(event.money, row.money, index);
      if (row.eventMs !== undefined) {
        if (row.eventMs < event.first) event.first = row.eventMs;
        if (row.eventMs > event.last) event.last = row.eventMs;
      }
      if (row.code !== '' && row.state !== 'open') addReason(reasons, row.state, row);
    },
    pieces() {
      const byEvent = [...events.values()].map(eventAccount).sort((a, b) => compareText(a.eventName, b.eventName));
      return { counts: sumCounts(byEvent.map((event) => event.counts)), byEvent, reasons: inReadingOrder(reasons) };
    },
  };
}

function addMoney(totals: Map<string, bigint[]>, money: Money, index: number): void {
  let units = totals.get(money.currency);
  if (units === undefined) {
    units = STATES.map(() => 0n);
    totals.set(money.currency, units);
  }
  units[index] = (units[index] ?? 0n) + money.units;
}

function addReason(reasons: Map<string, ReasonAccount>, outcome: Outcome, row: TallyRow): void {
  const id = `${outcome} ${row.code}`;
  let account = reasons.get(id);
  if (account === undefined) {
    account = { outcome, code: row.code, count: 0, examples: [] };
    reasons.set(id, account);
  }
  account.count++;
  if (account.examples.length < MOST_EXAMPLES)
    account.examples.push({ line: row.line, reason: maskReason(row.reason) });
}

function eventAccount(event: EventTally): EventAccount {
  const counts = emptyCounts();
  for (const [index, state] of STATES.entries()) counts[state] = event.counts[index] ?? 0;
  counts.read = event.counts.reduce((sum, count) => sum + count, 0);
  const money: EventAccount['money'] = {};
  for (const [currency, units] of [...event.money].sort(([a], [b]) => compareText(a, b))) {
    const totals: EventAccount['money'][string] = { read: formatUnits(units.reduce((sum, each) => sum + each, 0n)) };
    for (const [index, state] of STATES.entries()) {
      const total = units[index] ?? 0n;
      if (total !== 0n) totals[state] = formatUnits(total);
    }
    money[currency] = totals;
  }
  const account: EventAccount = { eventName: event.name, counts, money };
  if (event.first <= event.last) {
    account.firstEventTime = isoTime(event.first);
    account.lastEventTime = isoTime(event.last);
  }
  return account;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

/** Outcomes in their fixed order, then the most frequent first. */
function inReadingOrder(reasons: Map<string, ReasonAccount>): ReasonAccount[] {
  return [...reasons.values()].sort(
    (a, b) => INDEX[a.outcome] - INDEX[b.outcome] || b.count - a.count || compareText(a.code, b.code),
  );
}

/** By code unit, so that the order is the same on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function emptyCounts(): Counts {
  return { read: 0, delivered: 0, duplicate: 0, conflict: 0, rejected: 0, failed: 0, held: 0, open: 0 };
}

export function sumCounts(all: Iterable<Counts>): Counts {
  const total = emptyCounts();
  for (const counts of all) {
    total.read += counts.read;
    for (const state of STATES) total[state] += counts[state];
  }
  return total;
}
