import { createHash } from 'node:crypto';
import { seeded } from '../integration/support/seeded.ts';

/** Random numbers that are the same for the same seed. */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, n). */
  below(n: number): number;
  hit(probability: number): boolean;
  pick<T>(list: readonly [T, ...T[]]): T;
}

export function chanceOf(seed: string): Chance {
  const next = seeded(seedNumber(seed));
  const below = (n: number): number => Math.floor(next() * n);
  return {
    next,
    below,
    hit: (probability) => next() < probability,
    pick: (list) => list[below(list.length)] ?? list[0],
  };
}

export const seedNumber = (text: string): number => createHash('sha256').update(text).digest().readUInt32LE(0);
