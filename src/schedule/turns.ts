/**
 * Who works when, in one process: a job never overlaps with itself, and work for no job overlaps with nothing. First come,
 * first served: what waits for no job lets nothing that came later go before it.
 */
export interface Turns {
  /** Whether something of this job, or for no job, is under way or waits. */
  busy(job: string): boolean;
  /**
   * Does `work` when its turn comes. It must not throw. Resolves when it is done, or dropped by `stop`. `pause`: given once somebody
   * else waits for it to end.
   */
  take(job: string | undefined, work: (pause: AbortSignal) => Promise<void>): Promise<void>;
  /** Begins nothing more, and resolves when all that is under way has ended. */
  stop(): Promise<void>;
}

interface Turn {
  job: string | undefined;
  begin: () => void;
  drop: () => void;
  pause: AbortController;
}

export function createTurns(): Turns {
  const running = new Map<Turn, Promise<void>>();
  let waiting: Turn[] = [];
  let stopped = false;

  const inTheWay = (a: Turn, b: Turn): boolean => a.job === undefined || b.job === undefined || a.job === b.job;

  const beginWhatMay = (): void => {
    const before: Turn[] = [];
    for (const turn of waiting.splice(0)) {
      for (const other of running.keys()) if (inTheWay(other, turn)) other.pause.abort();
      if ([...running.keys(), ...before].some((other) => inTheWay(other, turn))) before.push(turn);
      else turn.begin();
    }
    waiting = [...before, ...waiting];
  };

  return {
    busy: (job) => [...running.keys(), ...waiting].some((turn) => turn.job === undefined || turn.job === job),
    take: (job, work) =>
      new Promise((resolve) => {
        if (stopped) return resolve();
        const turn: Turn = {
          job,
          drop: resolve,
          pause: new AbortController(),
          begin: () => {
            const done = work(turn.pause.signal).finally(() => {
              running.delete(turn);
              resolve();
              if (!stopped) beginWhatMay();
            });
            running.set(turn, done);
          },
        };
        waiting.push(turn);
        beginWhatMay();
      }),
    stop: async () => {
      stopped = true;
      for (const turn of waiting.splice(0)) turn.drop();
      await Promise.allSettled(running.values());
    },
  };
}
