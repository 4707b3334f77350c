import type { Ledger } from '../../ledger/open.ts';
import { refusalsAmong } from '../../ledger/segment-chunks.ts';
import { syncsOf } from '../../ledger/segment-syncs.ts';
import type { CourseFates } from '../files/course.ts';
import type { Fate } from '../files/fates.ts';
import type { IndexBlock } from '../files/row-index.ts';
import type { Seal } from '../files/seal.ts';
import { segmentAccounts } from './account.ts';
import { imbalanceOf } from './balance.ts';

/** What became of the members of a file: a row is done with the sync of its segment, unless the target refused it. */
export function memberFates(ledger: Ledger, processing: number, seal: Seal): CourseFates {
  const syncs = new Map(syncsOf(ledger, processing).map((sync) => [sync.segment, sync]));
  const refused = new Map<number, Map<string, { code: string; reason: string }>>();

  const imbalance = [...syncs.values()].flatMap((sync) => (sync.state === 'done' ? (imbalanceOf(sync) ?? []) : []))[0];

  return {
    ...(imbalance === undefined ? {} : { imbalance }),
    account: { segments: segmentAccounts(ledger, [...syncs.values()]) },
    begin: (block) => {
      refused.clear();
      for (const [name, { id, state, rejected }] of syncs) {
        if (state !== 'done' || rejected === 0) continue;
        const number = seal.eventNames.indexOf(name);
        const hashes = rowsOf(block, number).map((i) => block.keyHash(i));
        if (hashes.length > 0) refused.set(number, refusalsAmong(ledger, id, hashes));
      }
    },
    of: (block, i): Fate => {
      const number = block.eventName(i);
      const sync = syncs.get(seal.eventNames[number] ?? '');
      const none = { code: '', reason: '', eventId: '', attempts: 0 };
      if (sync?.state === 'superseded')
        return {
          ...none,
          state: 'rejected',
          code: 'SUPERSEDED',
          reason: 'a newer snapshot of the segment was synced before this file was released; this row was not sent',
          at: sync.endedAt ?? sync.startedAt,
        };
      if (sync?.state !== 'done') return { ...none, state: 'open', at: sync?.startedAt ?? 0 };
      const at = sync.endedAt ?? sync.startedAt;
      const refusal = refused.get(number)?.get(block.keyHash(i).toString('hex'));
      if (refusal) return { ...none, ...refusal, state: 'rejected', attempts: 1, at };
      return { ...none, state: 'delivered', eventId: `s${sync.id}`, attempts: 1, at };
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

function rowsOf(block: IndexBlock, eventName: number): number[] {
  const rows: number[] = [];
  for (let i = 0; i < block.count; i++) if (block.eventName(i) === eventName) rows.push(i);
  return rows;
}
