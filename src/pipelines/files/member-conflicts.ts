import { filesOfMembersInConflict } from '../../ledger/member-conflicts.ts';
import type { Ledger } from '../../ledger/open.ts';
import { syncsSince } from '../../ledger/segment-syncs.ts';
import type { Waiting } from '../../ledger/status.ts';
import { type OpenConflict, type OpenConflicts, openConflicts } from './conflicts.ts';
import { findStagedRows } from './staged-rows.ts';

/** Members looked for in later files; those beyond are taken to be as these are. */
const MOST_MEMBERS = 100_000;

/**
 * What a file of members contradicts itself about, and no later file has said since: a snapshot of the segment, or changes with them. Nobody
 * decides about it. Goes through the index of each later file once.
 */
export function unsaidConflicts(ledger: Ledger, staging: string, processing: number): OpenConflicts {
  const isOpen = (segment: string): boolean =>
    !syncsSince(ledger, processing, segment).some(({ kind }) => kind === 'snapshot');
  const open = openConflicts(ledger, staging, processing, MOST_MEMBERS, isOpen);
  const bySegment = Map.groupBy(open.conflicts, ({ eventName }) => eventName);
  const conflicts = [...bySegment].flatMap(([segment, its]) => unsaidOf({ ledger, staging, processing, segment }, its));
  const rest = open.rows - linesIn(open.conflicts);
  return { rows: conflicts.length === 0 ? 0 : rest + linesIn(conflicts), conflicts };
}

function unsaidOf(
  { ledger, staging, processing, segment }: { ledger: Ledger; staging: string; processing: number; segment: string },
  conflicts: readonly OpenConflict[],
): readonly OpenConflict[] {
  let unsaid = conflicts;
  for (const { processingId } of syncsSince(ledger, processing, segment)) {
    if (unsaid.length === 0) break;
    const hashes = unsaid.map(({ keyHash }) => keyHash);
    const said = new Set(
      findStagedRows(staging, [{ processing: processingId }], hashes)
        .filter(({ eventName, verdict }) => eventName === segment && verdict === 'passed')
        .map(({ keyHash }) => keyHash.toString('hex')),
    );
    unsaid = unsaid.filter(({ keyHash }) => !said.has(keyHash.toString('hex')));
  }
  return unsaid;
}

/** The rows of all such conflicts, by job, or of one job. Only reads. */
export function memberConflicts(ledger: Ledger, staging: string, only?: string): Map<string, Waiting> {
  const found = new Map<string, Waiting>();
  for (const { processing, job, openedAt } of filesOfMembersInConflict(ledger)) {
    if (only !== undefined && job !== only) continue;
    const { rows } = unsaidConflicts(ledger, staging, processing);
    const { count = 0, since = openedAt } = found.get(job) ?? {};
    if (rows > 0) found.set(job, { count: count + rows, since });
  }
  return found;
}

const linesIn = (conflicts: readonly OpenConflict[]): number => conflicts.reduce((n, { lines }) => n + lines.length, 0);
