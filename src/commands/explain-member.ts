import { hasTable } from '../ledger/has-table.ts';
import type { Ledger } from '../ledger/open.ts';
import { refusalsAmong } from '../ledger/segment-chunks.ts';
import { syncsOf } from '../ledger/segment-syncs.ts';
import { keyedHash } from '../pipelines/files/context.ts';
import type { StagedRow } from '../pipelines/files/staged-rows.ts';

/** What became of a member's row, as the results file has it. */
export interface MemberFate {
  outcome: string;
  code: string | null;
  reason: string | null;
  /** The sync that made it so. */
  eventId: string | null;
}

/** The fate of a row of a membership file, which is that of the sync of its segment. `undefined`: there was none, so it is no such row, or is held. */
export function memberFate(
  ledger: Ledger,
  row: { processing: number; eventName: string },
  keyHash: Buffer,
): MemberFate | undefined {
  if (!hasTable(ledger, 'segment_syncs')) return undefined;
  const sync = syncsOf(ledger, row.processing).find(({ segment }) => segment === row.eventName);
  if (!sync || sync.state === 'held') return undefined;
  if (sync.state === 'superseded') {
    const reason = 'a newer snapshot of the segment was synced before this file was released; this row was not sent';
    return { outcome: 'rejected', code: 'SUPERSEDED', reason, eventId: null };
  }
  if (sync.state === 'running')
    return { outcome: 'open', code: null, reason: 'the sync of its segment is not through yet', eventId: null };
  const [refusal] = refusalsAmong(ledger, sync.id, [keyHash]).values();
  if (refusal) return { outcome: 'rejected', ...refusal, eventId: null };
  return {
    outcome: 'delivered',
    code: null,
    reason: 'the target said yes to this row when its file was synced; a later file may say otherwise',
    eventId: `s${sync.id}`,
  };
}

/** What a member's row asks for, which its content hash says; null where it is no such row. */
export function actionOf(
  ledger: Pick<Ledger, 'hashKey'>,
  { contentHash }: Pick<StagedRow, 'contentHash'>,
  key: string,
): 'add' | 'remove' | null {
  const hash = keyedHash(ledger);
  const of = (action: string): boolean => contentHash.equals(Buffer.from(hash(`${action} ${key}`), 'hex'));
  return of('add') ? 'add' : of('remove') ? 'remove' : null;
}
