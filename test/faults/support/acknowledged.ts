import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { World } from '../../integration/support/e2e-world.ts';

/** What a ledger says while nobody works on it. */
export interface Standing {
  /** Keys whose yes is recorded. */
  acknowledged: ReadonlySet<string>;
  /** Keys that were claimed, and of which no answer is recorded. */
  claimed: ReadonlySet<string>;
  /** How many requests there were until then. */
  requests: number;
}

/** Reads a copy, so that the ledger, its log, and what is missing of them stay as they are. */
export function standingOf(world: World): Standing {
  const folder = mkdtempSync(join(tmpdir(), 'referry-standing-'));
  try {
    const copy = join(folder, 'ledger.sqlite');
    for (const part of ['', '-wal'])
      if (existsSync(world.ledger + part)) copyFileSync(world.ledger + part, copy + part);
    const db = new Database(copy);
    const keys = (state: string): Set<string> =>
      new Set(db.prepare<[string], string>('SELECT key FROM deliveries WHERE state = ?').pluck().all(state));
    const standing = { acknowledged: keys('delivered'), claimed: keys('claimed'), requests: world.requests().length };
    db.close();
    return standing;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How many keys have their yes recorded, while somebody works on the ledger; none where there is no ledger yet. */
export function acknowledgedBy(world: World): number {
  if (!existsSync(world.ledger)) return 0;
  const db = new Database(world.ledger, { readonly: true });
  try {
    if (!db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").get()) return 0;
    return db.prepare<[], number>("SELECT count(*) FROM deliveries WHERE state = 'delivered'").pluck().get() ?? 0;
  } finally {
    db.close();
  }
}

/** Promise 2: once the yes is in the ledger, that key never leaves again. Returns the keys that were sent since. */
export function expectNoneAgain(world: World, { acknowledged, requests }: Standing): string[] {
  const later = world
    .requests()
    .slice(requests)
    .map(({ body }) => body.data.partner_conversion_id ?? '');
  expect(
    later.filter((key) => acknowledged.has(key)),
    'acknowledged keys that were sent again',
  ).toEqual([]);
  return later;
}

/** Keys of the first so many requests. */
export const keysSent = (world: World, requests: number): Set<string> =>
  new Set(
    world
      .requests()
      .slice(0, requests)
      .map(({ body }) => body.data.partner_conversion_id ?? ''),
  );
