/** Choices that come out the same on every run and every machine. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  chance(share: number): boolean;
}

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (from) => from[Math.floor(next() * from.length)] ?? from[0],
    chance: (share) => next() < share,
  };
}

export function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

/** Cents as `1234.50`. */
export function plainAmount(cents: number): string {
  return `${Math.floor(cents / 100)}.${padded(cents % 100, 2)}`;
}

/** Cents as `1,234.50`. */
export function groupedAmount(cents: number): string {
  const [whole = '', decimals = ''] = plainAmount(cents).split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${decimals}`;
}
