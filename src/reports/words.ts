import type { FileState, Lane, Outcome, Proof } from '../model.ts';

/** What the columns of every table are called, in this order. */
export const COLUMNS = ['read', 'delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held', 'open'] as const;
export type Column = (typeof COLUMNS)[number];

export const COLUMN_WORDS: Readonly<Record<Outcome | 'open', string>> = {
  delivered: 'The destination said yes; never sent again.',
  duplicate: 'The same key with the same content is known already; not sent again.',
  conflict: 'The same key as another row, with different content; not sent until a person decides.',
  rejected: 'Can never succeed as written; the sender has to correct the row and send it again.',
  failed: 'Not accepted so far; the next run tries again by itself.',
  held: 'Waits for a person.',
  open: 'Not final yet; the next run continues.',
};

export const STATE_WORDS: Readonly<Record<FileState, string>> = {
  processed: 'processed',
  open: 'not finished',
  held: 'held',
  refused: 'refused',
};

export function laneWords(lane: Lane): string {
  return lane === 'events'
    ? 'one request a row, paced to the documented limit (events)'
    : 'one request a row, queued by the destination (async-events)';
}

/** How sure a delivery is, in plain words. */
export function proofWords(proof: Proof['kind'], provider: string): string {
  const who = provider === '' ? 'The destination' : provider.charAt(0).toUpperCase() + provider.slice(1);
  switch (proof) {
    case 'event_id':
      return `${who} answered with an event id for each delivered row`;
    case 'person_id':
      return `${who} answered with an event id and the matched person for each delivered row`;
    case 'row_result':
      return `${who} listed each delivered row in its own results file`;
    case 'batch_counts':
      return `${who} confirmed the number of rows, not each row`;
  }
}

export function eventWords(eventName: string): string {
  return eventName === '' ? '(rejected before the event name was known)' : eventName;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? one : many}`;
}

/** `2026-11-20 06:15:09 EST`: an instant (ISO 8601) on the clock of a time zone. */
export function clockTime(instant: string, timezone: string): string {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) return instant;
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).formatToParts(ms);
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}
