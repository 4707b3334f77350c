/** What has to change of one part of a membership so that it becomes another. */
export interface Difference {
  add: string[];
  remove: string[];
  unchanged: number;
}

/** Members that come and members that go; nobody is in both. */
export interface Wanted {
  /** Everybody who is to be a member, or those to be added to the members there are. */
  add: Set<string>;
  /** `rest`: everybody who is not in `add`. */
  remove: Set<string> | 'rest';
}

/**
 * Compares what is wanted with the members that are known to be there, each once. `add` of the difference is in the order of
 * `wanted`, `remove` in that of `confirmed`. Changes nothing that it is given.
 */
export function differenceOf({ add, remove }: Wanted, confirmed: readonly string[]): Difference {
  const removed: string[] = [];
  const known = new Set<string>();
  for (const member of confirmed) {
    if (add.has(member)) known.add(member);
    else if (remove === 'rest' || remove.has(member)) removed.push(member);
  }
  const added: string[] = [];
  if (known.size < add.size) for (const member of add) if (!known.has(member)) added.push(member);
  return { add: added, remove: removed, unchanged: confirmed.length - removed.length };
}
