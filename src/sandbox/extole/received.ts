import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** One request as it arrived, before any deduplication. */
export interface Received {
  /** From 1, in order of arrival; goes on where an existing file ends. */
  seq: number;
  /** ISO 8601, UTC. */
  at: string;
  /** `ROW` where it was no request, but a row of a file. */
  method: string;
  path: string;
  /** X-Request-Id, empty where there is none. */
  requestId: string;
  /** What the client was answered; 0 where it got no status. */
  status: number;
  /** Name or kind of the fault that was played. */
  fault?: string;
  /** The event was taken; of a file or a batch: it was made. */
  accepted: boolean;
  /** Taken, and its key was known already. */
  duplicate: boolean;
  /** Empty where nothing was taken. */
  eventId: string;
  /** The body, parsed where it is JSON. */
  body: unknown;
}

export interface ReceivedLog {
  readonly last: number;
  append(...entries: readonly Received[]): void;
  flush(): void;
  close(): void;
}

/**
 * JSON Lines. `fsync`: each line is on disk before `append` returns, so that what was answered is never missing;
 * otherwise lines are written in blocks, right after the answers.
 */
export function openReceivedLog(path: string, fsync: boolean): ReceivedLog {
  mkdirSync(dirname(path), { recursive: true });
  const last = existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
  const file = openSync(path, 'a', 0o600);
  let lines = '';

  function flush(): void {
    if (lines === '') return;
    writeSync(file, lines);
    lines = '';
  }

  return {
    last,
    append(...entries) {
      if (lines === '' && !fsync) setImmediate(flush);
      for (const entry of entries) lines += `${JSON.stringify(entry)}\n`;
      if (fsync) {
        flush();
        fsyncSync(file);
      }
    },
    flush,
    close() {
      flush();
      closeSync(file);
    },
  };
}
