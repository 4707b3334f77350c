import type { Sync } from '../../ledger/segment-syncs.ts';

/** What does not add up in a sync that came to its end, with both numbers; `undefined`: everything does. */
export function imbalanceOf(sync: Omit<Sync, 'id'>): string | undefined {
  const { kind, before, listed, toAdd, toRemove, added, removed, rejected, after } = sync;
  if (before + added - removed !== after)
    return `${before} members before + ${added} added - ${removed} removed is not the ${after} that are confirmed`;
  // A repair changes the target, and not what is confirmed.
  if (kind === 'repair') return undefined;
  if (added + rejected !== toAdd) return `${toAdd} were to be added, and ${added} were, with ${rejected} rejected`;
  if (removed !== toRemove) return `${toRemove} were to be removed, and ${removed} were`;
  if (kind === 'snapshot' && after !== listed - rejected)
    return `the snapshot names ${listed} members, ${rejected} were rejected, and ${after} are confirmed`;
  return undefined;
}
