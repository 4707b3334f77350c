import fc from 'fast-check';

/** One input row, as far as its fate depends on it. */
export interface FeedRow {
  /** Which key: rows with the same number mean the same fact. */
  key: number;
  /** What it states; rows of one key with another content contradict each other. */
  content: number;
  /** `bad`: can never be sent. `refused`: Extole says no to it, always. */
  kind: 'good' | 'bad' | 'refused';
}

/** Files in the order in which they came, in runs: those of one run are found together. */
export type Feed = { rows: FeedRow[]; again?: number }[][];

const row: fc.Arbitrary<FeedRow> = fc.record({
  key: fc.nat(5),
  content: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(2)),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constant('good' as const) },
    fc.constantFrom('bad' as const, 'refused' as const),
  ),
});

const file = fc
  .record({
    rows: fc.array(row, { minLength: 1, maxLength: 8 }),
    again: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
  })
  .map(({ rows, again }) => (again === undefined ? { rows } : { rows, again }));

export const feed: fc.Arbitrary<Feed> = fc.array(fc.array(file, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});

export type Outcome = 'delivered' | 'duplicate' | 'conflict' | 'rejected';

interface Owned {
  content: string;
}

/**
 * What must become of each row, worked out from the words of the manual and the input alone: file after file, and who owns a key.
 * Rows of one file with one key and different contents are all in conflict; of equal ones the first counts for all. A row that
 * can never be sent, or that Extole refuses, owns nothing. A file that was there before changes nothing.
 */
export function expectedOf(
  feed: Feed,
  firstWins: boolean,
): { outcomes: Outcome[][]; accepted: Set<string>; asked: Map<string, number> } {
  const owners = new Map<number, Owned>();
  const accepted = new Set<string>();
  const asked = new Map<string, number>();
  const before = new Map<string, Outcome[]>();
  const outcomes: Outcome[][] = [];
  for (const { rows } of filesOf(feed)) {
    const identity = JSON.stringify(rows);
    const known = before.get(identity);
    if (known) {
      outcomes.push(known.map((outcome) => (outcome === 'delivered' ? 'duplicate' : outcome)));
      continue;
    }
    const fates = new Map<number, Outcome>();
    const usable = [...rows.entries()].filter(([, { kind }]) => kind !== 'bad');
    for (const key of new Set(usable.map(([, each]) => each.key))) {
      const same = usable.filter(([, each]) => each.key === key);
      const [first] = same;
      if (first === undefined) continue;
      const contradicting = same.filter(([, each]) => contentOf(each) !== contentOf(first[1]));
      if (contradicting.length > 0 && !firstWins) {
        for (const [at] of same) fates.set(at, 'conflict');
        continue;
      }
      for (const [at] of contradicting) fates.set(at, 'conflict');
      const fate = sent(first[1]);
      const shared = fate === 'rejected' || fate === 'conflict' ? fate : 'duplicate';
      for (const [at] of same) if (!fates.has(at)) fates.set(at, at === first[0] ? fate : shared);
    }
    const list = rows.map((_, at) => fates.get(at) ?? 'rejected');
    outcomes.push(list);
    before.set(identity, list);
  }

  function sent(one: FeedRow): Outcome {
    const owner = owners.get(one.key);
    if (owner) return owner.content === contentOf(one) ? 'duplicate' : 'conflict';
    const name = `${one.key} ${contentOf(one)}`;
    asked.set(name, (asked.get(name) ?? 0) + 1);
    if (one.kind === 'refused') return 'rejected';
    owners.set(one.key, { content: contentOf(one) });
    accepted.add(name);
    return 'delivered';
  }
  return { outcomes, accepted, asked };
}

/** Every file in the order in which it is processed; `again` stands for one that came before. */
export function filesOf(feed: Feed): { rows: FeedRow[]; run: number }[] {
  const files: { rows: FeedRow[]; run: number }[] = [];
  for (const [run, found] of feed.entries()) {
    for (const { rows, again } of found) {
      const earlier = again === undefined ? undefined : files[again];
      files.push({ rows: earlier ? earlier.rows : rows, run });
    }
  }
  return files;
}

export function contentOf({ content, kind }: FeedRow): string {
  return `${content}${kind === 'refused' ? 'r' : ''}`;
}
