import Database from 'better-sqlite3';
import type { Ledger } from '../ledger/open.ts';
import { endsExecutor, ledgerProblem } from '../ledger/problem.ts';
import { type Io, TransferError } from '../model.ts';

/** Something to write down. `rows`: how much it is, about. Throws where it is wrong by itself: then no other one is touched. */
export interface Work<T> {
  rows: number;
  write: () => T;
}

/** `crowded`: too much waits already. `failed`: the ledger could not be written; nothing of it is in there. */
export type WorkEnd<T> = { kind: 'written'; value: T } | { kind: 'crowded' } | { kind: 'failed'; code: string };

export interface Commits {
  /** Resolves once it is on the disk, or will not be. Never rejects. */
  add<T>(work: Work<T>): Promise<WorkEnd<T>>;
  /** What waits is written first. */
  close(): Promise<void>;
}

/** In one transaction. Rows are sent by the same thread: it is not to be kept for longer than some milliseconds. */
const MOST_WORKS = 256;
const MOST_ROWS = 20_000;
/** Beyond that, who sends has to come again. */
const MOST_WAITING = 1000;
/** What comes within that time is written together. */
const GATHER_MS = 5;
/** A ledger that another program has locked is asked again, not waited for: rows are being sent meanwhile. */
const BUSY_TRIES = 20;
const BUSY_PAUSE_MS = 100;

interface Waiting {
  rows: number;
  write: () => unknown;
  end: (end: WorkEnd<unknown>) => void;
}

/**
 * Writes what comes from outside in groups: one flush of the disk for many. After each, as much time as it took is left to others. `broken`: called
 * once where the ledger must not be written to any more; from then on all fails.
 */
export function createCommits(ledger: Ledger, io: Io, broken: (problem: unknown) => void): Commits {
  const waiting: Waiting[] = [];
  let working: Promise<void> | undefined;
  let closed: string | undefined;

  async function work(): Promise<void> {
    await io.sleep(GATHER_MS);
    while (waiting.length > 0) {
      const group: Waiting[] = [];
      for (let rows = 0; group.length < MOST_WORKS && rows < MOST_ROWS; ) {
        const next = waiting.shift();
        if (!next) break;
        rows += next.rows;
        group.push(next);
      }
      const took = await commit(group);
      await io.sleep(Math.max(GATHER_MS, took));
    }
    working = undefined;
  }

  /** Returns how long it kept the thread, in milliseconds. */
  async function commit(group: readonly Waiting[]): Promise<number> {
    for (let tries = 1; ; tries += 1) {
      const since = io.monotonic();
      try {
        const ends = closed === undefined ? writeAll(ledger, group) : group.map(() => failed(closed ?? ''));
        group.forEach(({ end }, i) => {
          end(ends[i] ?? failed('INTERNAL'));
        });
        return io.monotonic() - since;
      } catch (error) {
        const problem = ledgerProblem(error, ledger.path);
        const code = problem instanceof TransferError ? problem.code : 'INTERNAL';
        if (code === 'LEDGER_BUSY' && tries < BUSY_TRIES) {
          await io.sleep(BUSY_PAUSE_MS);
          continue;
        }
        if (endsExecutor(problem)) {
          closed ??= code;
          broken(problem);
        }
        for (const { end } of group) end(failed(code));
        return io.monotonic() - since;
      }
    }
  }

  return {
    add<T>({ rows, write }: Work<T>) {
      if (closed !== undefined) return Promise.resolve(failed(closed));
      if (waiting.length >= MOST_WAITING) return Promise.resolve({ kind: 'crowded' });
      return new Promise<WorkEnd<T>>((resolve) => {
        let value: { of: T } | undefined;
        const kept = (): void => {
          value = { of: write() };
        };
        waiting.push({
          rows,
          write: kept,
          end: (end) =>
            resolve(end.kind !== 'written' ? end : value ? { kind: 'written', value: value.of } : failed('INTERNAL')),
        });
        working ??= work();
      });
    },
    async close() {
      while (working) await working;
      closed ??= 'CLOSED';
    },
  };
}

const failed = (code: string): { kind: 'failed'; code: string } => ({ kind: 'failed', code });

/** All in one transaction, each in one of its own inside: what one of them throws undoes that one alone. */
function writeAll({ db }: Ledger, group: readonly Waiting[]): WorkEnd<unknown>[] {
  const patience: unknown = db.pragma('busy_timeout', { simple: true });
  db.pragma('busy_timeout = 0');
  try {
    return db
      .transaction(() =>
        group.map(({ write }): WorkEnd<unknown> => {
          try {
            db.transaction(write)();
            return { kind: 'written', value: undefined };
          } catch (error) {
            // What the database says, and that it is not ours any more, is about all of them.
            if (error instanceof Database.SqliteError && !error.code.startsWith('SQLITE_CONSTRAINT')) throw error;
            if (error instanceof TransferError) throw error;
            return failed('INTERNAL');
          }
        }),
      )
      .immediate();
  } finally {
    db.pragma(`busy_timeout = ${Number(patience)}`);
  }
}
