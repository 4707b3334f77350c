/** What the ledger must say of rows, in forty lines: states, who owns which key, and how often each row was tried. */
export type State =
  | 'claimed'
  | 'waiting'
  | 'unknown'
  | 'held'
  | 'delivered'
  | 'rejected'
  | 'failed'
  | 'conflict'
  | 'duplicate';

export interface ModelRow {
  processing: number;
  line: number;
  key: string;
  content: string;
  state: State;
  attempts: number;
  /** Attempts that ended without a yes. */
  ended: number;
  answeredAt: number;
}

const OWNING: readonly State[] = ['claimed', 'waiting', 'unknown', 'held', 'delivered'];

export class Model {
  readonly rows = new Map<string, ModelRow>();
  now = 1_000_000_000_000;

  owner(key: string): ModelRow | undefined {
    return [...this.rows.values()].find((row) => row.key === key && OWNING.includes(row.state));
  }

  in(...states: State[]): ModelRow[] {
    return [...this.rows.values()]
      .filter(({ state }) => states.includes(state))
      .sort((a, b) => a.processing - b.processing || a.line - b.line);
  }

  /** A row asks for its key: it gets it, or learns who has it. */
  claim(asked: Pick<ModelRow, 'processing' | 'line' | 'key' | 'content'>): ModelRow | undefined {
    const name = `${asked.processing}:${asked.line}`;
    const row = this.rows.get(name);
    const owner = this.owner(asked.key);
    if (owner && owner !== row) {
      const same = owner.content === asked.content;
      // A new row with the same content leaves no trace: its owner says it all.
      if (row || !same)
        this.rows.set(name, {
          attempts: 0,
          ended: 0,
          ...row,
          ...asked,
          state: same ? 'duplicate' : 'conflict',
          answeredAt: this.now,
        });
      return owner;
    }
    this.rows.set(name, {
      ended: 0,
      answeredAt: 0,
      ...row,
      ...asked,
      state: 'claimed',
      attempts: (row?.attempts ?? 0) + 1,
    });
    return undefined;
  }

  answer(row: ModelRow, state: State): void {
    row.state = state;
    row.answeredAt = this.now;
    if (state !== 'delivered') row.ended++;
  }

  /** What was on its way when the sending broke off may or may not have arrived. */
  breakOff(processing?: number): void {
    for (const row of this.in('claimed'))
      if (processing === undefined || row.processing === processing) this.answer(row, 'unknown');
  }

  /** What waits for a person too long is rejected; what failed for too long then waits for one, if its key is still free. */
  expire(openedAt: number, failedMs: number, heldMs: number): void {
    const set = (row: ModelRow, state: State): void => void Object.assign(row, { state, answeredAt: this.now });
    for (const row of this.in('held')) if (row.answeredAt < this.now - heldMs) set(row, 'rejected');
    if (openedAt >= this.now - failedMs) return;
    for (const row of this.in('failed')) {
      const owner = this.owner(row.key);
      set(row, owner === undefined ? 'held' : owner.content === row.content ? 'duplicate' : 'conflict');
    }
  }
}
