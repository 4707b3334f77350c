import type { Sync } from '../../ledger/segment-syncs.ts';

/** What does not add up in a sync that came to its end, with both numbers; `undefined`: everything does. */
export function imbalanceOf(sync: Omit<Sync, 'id'>): string | undefined {
  const { kind, before, listed, toAdd, toRemove, added, removed, rejected, after } = sync;
  if (before + added - removed !== after)
    return `${before} members before + ${added} added - ${removed} removed is not the ${after} that are confirmed`;
  // A repair changes the target, and not what is confirmed.
  if (kind === 'repair') return undefined;
  if (added > toAdd) return `${toAdd} were to be added, and ${added} were`;
  if (removed > toRemove) return `${toRemove} were to be removed, and ${removed} were`;
  if (added + removed + rejected !== toAdd + toRemove)
    return `${toAdd} were to be added and ${toRemove} removed; ${added} were added and ${removed} removed, with ${rejected} rejected`;
  // Whom the target did not let go stays one.
  const stayed = toRemove - removed;
  if (kind === 'snapshot' && after !== listed - (rejected - stayed) + stayed)
    return `the snapshot names ${listed} members, ${rejected - stayed} of them were rejected, ${stayed} others stayed, and ${after} are confirmed`;
  return undefined;
}
