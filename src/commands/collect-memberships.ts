import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type EndedSync, endedSyncs, membershipsOf } from '../ledger/memberships.ts';
import type { Ledger } from '../ledger/open.ts';
import { refusalsAmong } from '../ledger/segment-chunks.ts';
import { keyedHash, stagedPaths } from '../pipelines/files/context.ts';
import type { StagedRow } from '../pipelines/files/staged-rows.ts';
import { partOf } from '../segments/spool.ts';
import { actionOf } from './explain-member.ts';
import { isoOrNull } from './print.ts';

/** Whether somebody is in a segment by the last yes of its target. */
export interface ExplainedMembership {
  key: string;
  segment: string;
  job: string;
  destination: { provider: string; account: string; container: string };
  member: boolean;
  /** The sync that made it so; null where the staged files that would say it are gone. */
  changed: { at: string | null; file: string; name: string; line: number | null } | null;
}

/** What holds now of everybody who is known by one of these keys, in each segment that they are in or that a row of theirs names. */
export function collectMemberships(
  ledger: Ledger,
  state: string,
  keys: readonly string[],
  staged: readonly StagedRow[],
): ExplainedMembership[] {
  return keys.flatMap((key) => {
    const keyHash = Buffer.from(keyedHash(ledger)(key), 'hex');
    const its = staged.filter((row) => row.keyHash.equals(keyHash));
    return membershipsOf(ledger, [partOf(key), key]).flatMap(({ segmentId, segment, job, destination, member }) => {
      const rows = its.filter((row) => row.eventName === segment && actionOf(ledger, row, key) !== null);
      if (!member && rows.length === 0) return [];
      const changed = lastChange({ ledger, state, segmentId, key, keyHash, rows }, member);
      return [{ key, segment, job, destination, member, changed }];
    });
  });
}

interface Looked {
  ledger: Ledger;
  state: string;
  segmentId: number;
  key: string;
  keyHash: Buffer;
  /** Their rows of this segment. */
  rows: readonly StagedRow[];
}

/** Goes back through the syncs as long as they left it as it is now; what cannot be read any more ends it without an answer. */
function lastChange(looked: Looked, now: boolean): ExplainedMembership['changed'] {
  const { ledger, segmentId } = looked;
  let since: ExplainedMembership['changed'] = null;
  let first: number | undefined;
  for (const sync of endedSyncs(ledger, segmentId)) {
    const left = leftBy(looked, sync);
    if (left === 'unknown') return null;
    first = sync.before;
    if (left === 'as before') continue;
    if (left.member !== now) return since;
    since = { at: isoOrNull(sync.endedAt), file: `p${sync.processing}`, name: sync.name, line: left.line };
  }
  // Before the first sync nobody was in it, unless a list was taken over.
  return now && first === 0 ? since : null;
}

type Left = { member: boolean; line: number | null } | 'as before' | 'unknown';

function leftBy({ ledger, state, key, keyHash, rows }: Looked, { id, processing, kind }: EndedSync): Left {
  const paths = stagedPaths(join(state, 'staging'), processing);
  if (!existsSync(paths.index) || !existsSync(paths.seal)) return 'unknown';
  if (refusalsAmong(ledger, id, [keyHash]).size > 0) return 'as before';
  const row = rows.find((each) => each.processing === processing && each.verdict === 'passed');
  if (!row) return kind === 'snapshot' ? { member: false, line: null } : 'as before';
  return { member: actionOf(ledger, row, key) === 'add', line: row.line };
}
