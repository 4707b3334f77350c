import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseStoredDefinition } from '../../jobs/definition.ts';
import type { SegmentsJob } from '../../jobs/schema.ts';
import type { Ledger } from '../../ledger/open.ts';
import { getProcessing } from '../../ledger/processings.ts';
import { getDefinition } from '../../ledger/registry.ts';
import { laterSnapshot } from '../../ledger/segment-syncs.ts';
import { findSegmentAt } from '../../ledger/segments.ts';
import type { Io } from '../../model.ts';
import { unlockPgpKeys } from '../../parsing/pgp-keys.ts';
import { stagedPaths } from '../files/context.ts';
import type { SegmentChange } from '../files/decide/planned.ts';
import { heldCode } from '../files/held-part.ts';
import { readSeal } from '../files/seal.ts';
import { outlineSegments } from './outline.ts';
import { identityOf } from './targets.ts';

/** Released, these send more than the differences to what is confirmed. */
const MORE_THAN_DIFFERENCES = new Set(['SEGMENT_HAS_MEMBERS', 'SEGMENT_REPLACED', 'SEGMENT_RESTORED']);

/**
 * What a held file would change of its segments if it were released now, from its staged copy and the ledger; empty where that cannot be
 * said. Writes nothing but what it deletes again.
 */
export async function changesOfHeld(
  { ledger, io, signal, staging }: { ledger: Ledger; io: Io; signal: AbortSignal; staging: string },
  job: SegmentsJob,
  id: number,
): Promise<SegmentChange[]> {
  const { name, openedAt, definitionId, refusal } = getProcessing(ledger, id);
  const paths = stagedPaths(staging, id);
  const seal = readSeal(paths.seal);
  if (!seal || !refusal || !existsSync(paths.index) || !existsSync(paths.input)) return [];
  const folder = await mkdtemp(join(tmpdir(), 'referry-preview-'));
  try {
    const keys = job.file.pgp && (await unlockPgpKeys(job.file.pgp, io));
    const identity = identityOf(job.target, io);
    const definition = parseStoredDefinition(getDefinition(ledger, definitionId).body);
    // The staging folder belongs to whoever runs the jobs.
    const pass = { definition, paths: { ...paths, folder }, processing: { name, openedAt } };
    const { segments } = await outlineSegments(job, identity)({ keys, signal }, pass, seal, ledger);
    return segments.flatMap(({ segment, before, toAdd, toRemove }) => {
      const code = heldCode(refusal, segment);
      if (code === undefined || MORE_THAN_DIFFERENCES.has(code)) return [];
      const known = findSegmentAt(ledger, identity, segment);
      const superseded = known !== undefined && laterSnapshot(ledger, known.id, id) !== undefined;
      return [{ segment, before, toAdd: superseded ? 0 : toAdd, toRemove: superseded ? 0 : toRemove, superseded }];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
