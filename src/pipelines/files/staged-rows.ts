import { existsSync } from 'node:fs';
import { stagedPaths } from './context.ts';
import { heldCode } from './held-part.ts';
import { openRowIndex, VERDICT } from './row-index.ts';
import { readSeal } from './seal.ts';

/** A row with a key, as the check of its file judged it. */
export interface StagedRow {
  processing: number;
  /** Hash of its key. */
  keyHash: Buffer;
  line: number;
  eventName: string;
  contentHash: Buffer;
  orderHash: Buffer | null;
  /** passed: nothing in the file itself speaks against it. */
  verdict: 'passed' | 'duplicate' | 'conflict';
  /** The other line with this key that decided; 0 where there is none. */
  otherLine: number;
  /** Why nothing of the file, or of its segment, may leave. */
  fileHeld: string | null;
  /** It is the segment that is held, while others of the file go on. */
  heldInPart: boolean;
}

/** Looks for keys in the indexes of the staged files that are still there, each read once. Rejected rows have no key in them. */
export function findStagedRows(
  staging: string,
  files: readonly { processing: number }[],
  keyHashes: readonly Buffer[],
): StagedRow[] {
  const asked = new Map(keyHashes.map((hash) => [hash.toString('latin1'), hash]));
  return files.flatMap((file) => {
    const paths = stagedPaths(staging, file.processing);
    // Without its seal an index is not finished.
    const seal = existsSync(paths.index) ? readSeal(paths.seal) : undefined;
    if (!seal) return [];
    const found: StagedRow[] = [];
    const index = openRowIndex(paths.index);
    try {
      for (const block of index.blocks()) {
        for (let i = 0; i < block.count; i++) {
          const verdict = block.verdict(i);
          if (verdict === VERDICT.rejected) continue;
          const keyHash = asked.get(block.keyHash(i).toString('latin1'));
          if (!keyHash) continue;
          found.push({
            processing: file.processing,
            keyHash,
            line: block.line(i),
            eventName: seal.eventNames[block.eventName(i)] ?? '',
            contentHash: Buffer.from(block.contentHash(i)),
            orderHash: copyOf(block.orderHash(i)),
            verdict: verdict === VERDICT.duplicate ? 'duplicate' : verdict === VERDICT.conflict ? 'conflict' : 'passed',
            otherLine: block.refLine(i),
            heldInPart: seal.held?.segments !== undefined,
            fileHeld: (seal.held && heldCode(seal.held, seal.eventNames[block.eventName(i)] ?? '')) ?? null,
          });
        }
      }
    } finally {
      index.close();
    }
    return found;
  });
}

/** What the index gives is good until the next block is read. */
const copyOf = (bytes: Buffer | null): Buffer | null => bytes && Buffer.from(bytes);
