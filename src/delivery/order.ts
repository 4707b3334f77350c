/** Who may go: rows of one order key go one after the other, and none goes behind one that failed. */
export interface Order<Row> {
  /** Rows that wait behind one of their key that is under way, or has just been. */
  readonly parked: number;
  /** When the next row has rested; `Infinity` where none does. */
  readonly restsUntil: number;
  /** What a new row may do: go, wait, or not be tried in this run. */
  enter(row: Row): 'ready' | 'parked' | 'blocked';
  /**
   * A row has ended: the next of its key may go, or, where it failed, none of its key. `askedAt`: when the destination answered for
   * it; the next one then rests first. Absent: it was not sent.
   */
  leave(row: Row, failed: boolean, askedAt?: number): { ready?: Row; blocked: readonly Row[] };
  /** Rows that have rested by now. */
  rested(now: number): readonly Row[];
}

/**
 * `blockedOrders`: keys with a row that failed, or is open, in an earlier file. An empty key has no order. `restMs`: from an answer for
 * a key to the next request for it.
 */
export function createOrder<Row extends { orderKey: string }>(
  blockedOrders: ReadonlySet<string>,
  restMs: number,
): Order<Row> {
  const blocked = new Set(blockedOrders);
  const behind = new Map<string, Row[]>();
  /** They all rest for the same time, so the first is the next. */
  const resting: { row: Row; until: number }[] = [];
  let parked = 0;
  return {
    get parked() {
      return parked;
    },
    get restsUntil() {
      return resting[0]?.until ?? Number.POSITIVE_INFINITY;
    },
    rested: (now) => {
      const rows: Row[] = [];
      for (let first = resting[0]; first !== undefined && first.until <= now; first = resting[0]) {
        rows.push(first.row);
        resting.shift();
        parked--;
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
      const queue = behind.get(orderKey) ?? [];
      if (failed && orderKey !== '') {
        blocked.add(orderKey);
        behind.delete(orderKey);
        parked -= queue.length;
        return { blocked: queue };
      }
      const next = queue.shift();
      if (next === undefined) {
        behind.delete(orderKey);
        return { blocked: [] };
      }
      if (askedAt !== undefined && restMs > 0) {
        resting.push({ row: next, until: askedAt + restMs });
        return { blocked: [] };
      }
      parked--;
      return { ready: next, blocked: [] };
    },
  };
}
