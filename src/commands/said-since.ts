import { join } from 'node:path';
import { hasTable } from '../ledger/has-table.ts';
import type { Ledger } from '../ledger/open.ts';
import { syncsSince } from '../ledger/segment-syncs.ts';
import { keyedHash } from '../pipelines/files/context.ts';
import { findStagedRows } from '../pipelines/files/staged-rows.ts';

/** Whether a later file said of a member what an earlier one contradicted itself about: a snapshot of the segment, or changes with them. */
export function saidSince(
  ledger: Ledger,
  state: string,
  { processing, key }: { processing: number; key: string },
): boolean {
  if (key === '' || !hasTable(ledger, 'segment_syncs')) return false;
  const keyHash = Buffer.from(keyedHash(ledger)(key), 'hex');
  const staging = join(state, 'staging');
  const rowsIn = (id: number): ReturnType<typeof findStagedRows> =>
    findStagedRows(staging, [{ processing: id }], [keyHash]);
  const segments = new Set(rowsIn(processing).flatMap((row) => (row.verdict === 'conflict' ? [row.eventName] : [])));
  return [...segments].every((segment) =>
    syncsSince(ledger, processing, segment).some(
      ({ kind, processingId }) =>
        kind === 'snapshot' ||
        rowsIn(processingId).some((row) => row.eventName === segment && row.verdict === 'passed'),
    ),
  );
}
