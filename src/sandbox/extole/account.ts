import type { Io } from '../../model.ts';
import type { SubmittedEvent } from './events.ts';
import type { Received, ReceivedLog } from './received.ts';
import type { Accepted, Store } from './store.ts';

/** A row of a file that Extole took: where it came from, and the event that it made of it. */
export interface TakenRow {
  /** `/v6/batches/{id}#{row}` or `sftp:/events/{name}#{row}`; rows count from 1. */
  path: string;
  event: SubmittedEvent;
}

/**
 * The client's account behind every way in: events one by one, batches and files. It knows its keys again whichever way
 * they came, and keeps a record of everything it took, before any deduplication.
 */
export interface Account {
  take(event: SubmittedEvent): Accepted;
  /** All of them, and on disk before it returns where the log is flushed to disk. accepted[i] belongs to rows[i]. */
  takeRows(rows: readonly TakenRow[]): Accepted[];
  record(entry: Omit<Received, 'seq' | 'at'>): void;
  totals(): { accepted: number; duplicates: number };
}

export interface AccountOptions {
  io: Io;
  store: Store;
  log: ReceivedLog | undefined;
  /** Gets every entry, too. */
  keep: Received[] | undefined;
  /** Called with each event that was taken. */
  taken?: (event: SubmittedEvent, accepted: Accepted) => void;
}

export function createAccount({ io, store, log, keep, taken: told }: AccountOptions): Account {
  let seq = log?.last ?? 0;
  let accepted = 0;
  let duplicates = 0;

  function take(event: SubmittedEvent): Accepted {
    const taken = store.accept(event, io.monotonic());
    accepted += 1;
    if (taken.duplicate) duplicates += 1;
    told?.(event, taken);
    return taken;
  }

  function entryOf(entry: Omit<Received, 'seq' | 'at'>): Received {
    seq += 1;
    return { seq, at: new Date(io.now()).toISOString(), ...entry };
  }

  return {
    take,
    takeRows(rows) {
      const answers: Accepted[] = [];
      const entries: Received[] = [];
      for (const { path, event } of rows) {
        const taken = take(event);
        answers.push(taken);
        if (!log && !keep) continue;
        const { eventId, duplicate } = taken;
        const body = { event_name: event.name, event_time: event.time, data: event.data };
        entries.push(
          entryOf({ method: 'ROW', path, requestId: '', status: 200, accepted: true, duplicate, eventId, body }),
        );
      }
      for (const entry of entries) keep?.push(entry);
      log?.append(...entries);
      return answers;
    },
    record(entry) {
      if (!log && !keep) return;
      const whole = entryOf(entry);
      keep?.push(whole);
      log?.append(whole);
    },
    totals: () => ({ accepted, duplicates }),
  };
}
