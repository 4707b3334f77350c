import type { Lane, Outcome, Proof, RefusalDetail } from '../model.ts';

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

/** The same where the rows are members of segments. */
export const MEMBER_WORDS: typeof COLUMN_WORDS = {
  ...COLUMN_WORDS,
  delivered: 'The target has said yes to what the row wants, in this sync or an earlier one.',
  duplicate: 'The same member again in the same file.',
  conflict: 'The file says both, add and remove; neither leaves, and a later file says which holds.',
};

export function laneWords(lane: Lane): string {
  switch (lane) {
    case 'events':
      return 'one request a row, paced to the documented limit (events)';
    case 'async-events':
      return 'one request a row, queued by the destination (async-events)';
    case 'links':
      return 'one person after the other, whose link is found or made, paced to the documented limit (links)';
    case 'members':
      return 'as the differences that the file makes to its segments, in batches (members)';
    case 'sftp':
      return "a whole file into the destination's own inbox, answered by its results file (sftp)";
    case 'batch':
      return 'a whole file as a batch job of the destination, answered by its counts (batch)';
    case 'folder':
      return 'a whole file for a person to upload (folder)';
  }
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
    case 'link':
      return `${who} gave, or was found to have, the share link of each delivered row`;
    case 'imported':
      return 'another system delivered it, as its imported keys say';
    case 'batch_counts':
      return `${who} confirmed the number of rows, not each row`;
    case 'confirmed':
      return `a person confirmed that the file was uploaded to ${who}; no answer for each row is known`;
  }
}

export function eventWords(eventName: string): string {
  return eventName === '' ? '(no event: rejected)' : eventName;
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

/** The hour (0 to 23) that the clock of a time zone shows; milliseconds since 1970. */
export function hourOf(ms: number, timezone: string): number {
  let format = hourFormats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: timezone, hour: '2-digit', hourCycle: 'h23' });
    hourFormats.set(timezone, format);
  }
  return Number(format.format(ms));
}

/** Making one takes a hundred times as long as using it. */
const hourFormats = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-19 09:00:02 to 09:19:32 EST`; the day and the zone are said once where both are the same. */
export function clockSpan(first: string, last: string, timezone: string): string {
  const [from, to] = [clockTime(first, timezone), clockTime(last, timezone)];
  if (from === to) return from;
  const [fromDay, fromTime, fromZone] = from.split(' ');
  const [toDay, , toZone] = to.split(' ');
  if (fromZone !== toZone) return `${from} to ${to}`;
  const start = `${fromDay} ${fromTime}`;
  return fromDay === toDay ? `${start} to ${to.slice(`${toDay} `.length)}` : `${start} to ${to}`;
}

/** Examples that say the same together: `lines 3, 8, 21`. `count` is that of all rows with this code, the examples being the first of them. */
export function groupExamples(
  examples: readonly { line: number; reason: string }[],
  count: number,
): { lines: string; reason: string }[] {
  const byReason = new Map<string, number[]>();
  for (const { line, reason } of examples) byReason.set(reason, [...(byReason.get(reason) ?? []), line]);
  return [...byReason].map(([reason, lines]) => {
    const more = byReason.size === 1 && count > lines.length ? ', …' : '';
    return { lines: `${lines.length === 1 ? 'line' : 'lines'} ${lines.join(', ')}${more}`, reason };
  });
}

/** Ends in a full stop, so that another sentence may follow. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** A refusal's message, with its line where the message does not begin with it. */
export function refusalWords({ message, line }: RefusalDetail): string {
  return line === undefined || message.startsWith(`line ${line}`) ? message : `line ${line}: ${message}`;
}
