/** Who may go: rows of one order key go one after the other, and none goes behind one that failed. */
export interface Order<Row> {
  /** Rows that wait behind one of their key that is under way. */
  readonly parked: number;
  /** What a new row may do: go, wait, or not be tried in this run. */
  enter(row: Row): 'ready' | 'parked' | 'blocked';
  /** A row has ended: the next of its key may go, or, where it failed, none of its key. */
  leave(row: Row, failed: boolean): { ready?: Row; blocked: readonly Row[] };
}

/** `blockedOrders`: keys with a row that failed, or is open, in an earlier file. An empty key has no order. */
export function createOrder<Row extends { orderKey: string }>(blockedOrders: ReadonlySet<string>): Order<Row> {
  const blocked = new Set(blockedOrders);
  const behind = new Map<string, Row[]>();
  let parked = 0;
  return {
    get parked() {
      return parked;
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
    leave: ({ orderKey }, failed) => {
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
      parked--;
      return { ready: next, blocked: [] };
    },
  };
}
