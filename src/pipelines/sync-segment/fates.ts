import type { Ledger } from '../../ledger/open.ts';
import { refusalsAmong } from '../../ledger/segment-chunks.ts';
import { type Sync, syncsOf } from '../../ledger/segment-syncs.ts';
import type { CourseFates } from '../files/course.ts';
import type { Fate } from '../files/fates.ts';
import type { Seal } from '../files/seal.ts';
import { segmentAccounts } from './account.ts';
import { imbalanceOf } from './balance.ts';

/** What became of the members of a file: a row is done with the sync of its segment, unless the target refused it. */
export function memberFates(ledger: Ledger, processing: number, seal: Seal): CourseFates {
  const syncs = new Map(syncsOf(ledger, processing).map((sync) => [sync.segment, sync]));
  const refused = new Map<number, Map<string, { code: string; reason: string }>>();

  const imbalance = [...syncs.values()].flatMap((sync) => (sync.state === 'done' ? (imbalanceOf(sync) ?? []) : []))[0];

  const shared = seal.eventNames.map((name) => fateOf(syncs.get(name)));
  const refusing = new Map<number, Sync>();
  for (const [name, sync] of syncs)
    if (sync.state === 'done' && sync.rejected > 0) refusing.set(seal.eventNames.indexOf(name), sync);

  return {
    ...(imbalance === undefined ? {} : { imbalance }),
    account: { segments: segmentAccounts(ledger, [...syncs.values()]) },
    begin: (block) => {
      refused.clear();
      if (refusing.size === 0) return;
      const hashes = new Map<number, Buffer[]>();
      for (let i = 0; i < block.count; i++) {
        const number = block.eventName(i);
        if (!refusing.has(number)) continue;
        const its = hashes.get(number);
        if (its) its.push(block.keyHash(i));
        else hashes.set(number, [block.keyHash(i)]);
      }
      for (const [number, { id }] of refusing) {
        const its = hashes.get(number);
        if (its) refused.set(number, refusalsAmong(ledger, id, its));
      }
    },
    of: (block, i): Fate => {
      const number = block.eventName(i);
      const fate = shared[number] ?? OPEN;
      const refusal = refused.get(number)?.get(block.keyHash(i).toString('hex'));
      return refusal ? { ...fate, ...refusal, state: 'rejected', eventId: '' } : fate;
    },
    done: () => {
      let rows = 0;
      // Whom a snapshot leaves out and the target did not let go has no row in it.
      for (const { state, kind, listed, rejected, toAdd, added } of syncs.values())
        if (state === 'done') rows += listed - (kind === 'snapshot' ? toAdd - added : rejected);
      return rows;
    },
  };
}

const NONE = { code: '', reason: '', eventId: '', attempts: 0 };
const OPEN: Fate = { ...NONE, state: 'open', at: 0 };

/** What became of all members of a segment that the target did not refuse. */
function fateOf(sync: Sync | undefined): Fate {
  if (!sync) return OPEN;
  const at = sync.endedAt ?? sync.startedAt;
  switch (sync.state) {
    case 'done':
      return { ...NONE, state: 'delivered', eventId: `s${sync.id}`, attempts: 1, at };
    case 'superseded': {
      const reason = 'a newer snapshot of the segment was synced before this file was released; this row was not sent';
      return { ...NONE, state: 'rejected', code: 'SUPERSEDED', reason, at };
    }
    default:
      return { ...OPEN, at: sync.startedAt };
  }
}
