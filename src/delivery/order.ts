/** Who may go: rows of one order key go one after the other, and none goes behind one that failed. */
export interface Order<Row> {
  /** Rows that wait behind one of their key that is under way, or has just been. */
  readonly parked: number;
  /** When to ask for rested rows again; `Infinity` where none waits. */
  readonly restsUntil: number;
  /** What a new row may do: go, wait, or not be tried in this run. */
  enter(row: Row): 'ready' | 'parked' | 'blocked';
  /**
   * A row has ended: the next of its key may go, or, where it failed, none of its key. `askedAt`: when the destination answered for
   * it; its key then rests first. Absent: it was not sent.
   */
  leave(row: Row, failed: boolean, askedAt?: number): { ready?: Row; blocked: readonly Row[] };
  /** Rows whose keys have rested by now. Asked often: it also forgets the keys that nobody waits for. */
  rested(now: number): readonly Row[];
}

const NOBODY: readonly never[] = [];

/**
 * `blockedOrders`: keys with a row that failed, or is open, in an earlier file. An empty key has no order. `restMs`: from an answer for
 * a key to the next request for it, whether or not a row waits for it by then.
 */
export function createOrder<Row extends { orderKey: string }>(
  blockedOrders: ReadonlySet<string>,
  restMs: number,
): Order<Row> {
  const blocked = new Set(blockedOrders);
  /** Keys that are under way or rest, with the rows that wait for them. */
  const behind = new Map<string, Row[]>();
  /** They all rest for the same time, so the first is the next. */
  const resting: { orderKey: string; until: number }[] = [];
  let parked = 0;
  /** The next one that waits for a key goes; where there is none, the key is free. */
  const takeNext = (orderKey: string): Row | undefined => {
    const next = behind.get(orderKey)?.shift();
    if (next === undefined) behind.delete(orderKey);
    else parked--;
    return next;
  };
  return {
    get parked() {
      return parked;
    },
    get restsUntil() {
      return parked === 0 ? Number.POSITIVE_INFINITY : (resting[0]?.until ?? Number.POSITIVE_INFINITY);
    },
    rested: (now) => {
      if (resting[0] === undefined || resting[0].until > now) return NOBODY;
      const rows: Row[] = [];
      for (let first = resting[0]; first !== undefined && first.until <= now; first = resting[0]) {
        resting.shift();
        const next = takeNext(first.orderKey);
        if (next !== undefined) rows.push(next);
      }
      return rows;
    },
    enter: (row) => {
      const { orderKey } = row;
      if (orderKey === '') return 'ready';
      if (blocked.has(orderKey)) return 'blocked';
      const queue = behind.get(orderKey);
      if (!queue) {
        behind.set(orderKey, []);
        return 'ready';
      }
      queue.push(row);
      parked++;
      return 'parked';
    },
    leave: ({ orderKey }, failed, askedAt) => {
      if (orderKey === '') return { blocked: NOBODY };
      if (failed) {
        const queue = behind.get(orderKey) ?? NOBODY;
        blocked.add(orderKey);
        behind.delete(orderKey);
        parked -= queue.length;
        return { blocked: queue };
      }
      if (askedAt !== undefined && restMs > 0) {
        resting.push({ orderKey, until: askedAt + restMs });
        return { blocked: NOBODY };
      }
      const next = takeNext(orderKey);
      return next === undefined ? { blocked: NOBODY } : { ready: next, blocked: NOBODY };
    },
  };
}
