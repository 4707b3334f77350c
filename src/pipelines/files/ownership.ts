import { parseStoredDefinition } from '../../jobs/definition.ts';
import type { Claim, Owner, Settled } from '../../ledger/deliveries.ts';
import { getDefinition } from '../../ledger/registry.ts';
import { compileMapping, requiredColumns } from '../../mapping/compile.ts';
import type { InputRow } from '../../model.ts';
import { type FilePass, keyedHash, type RunContext } from './context.ts';

/** A row that asks for its key, with what is needed to compare it under another definition. */
export interface ComparedRow {
  claim: Claim;
  values: InputRow['values'];
}

/** What becomes of a row whose key another row owns; `undefined`: a duplicate, which leaves no trace, as its owner says it all. */
export function lostToOwner(claim: Claim, owner: Owner, same: boolean, processingId: number): Settled | undefined {
  if (owner.processingId === processingId && owner.line === claim.line)
    throw new Error(`line ${owner.line} was claimed while its own delivery is ${owner.state}`);
  if (same && !claim.prior) return undefined;
  const place = owner.processingId === processingId ? `line ${owner.line}` : `line ${owner.line} of ${owner.file}`;
  return {
    claim,
    state: same ? 'duplicate' : 'conflict',
    code: same ? 'DUPLICATE' : 'CONFLICT',
    reason: same
      ? `the key is owned by ${place} with the same content`
      : `the key is owned by ${place}, which was ${owner.state}, with different content; this row was not sent`,
  };
}

/**
 * Compares a row with the owner of its key; where the owner was mapped by another definition, under that one. `columns` may
 * grow while the file is read.
 */
export function contentComparer(
  ctx: Pick<RunContext, 'ledger'>,
  pass: { processing: Pick<FilePass['processing'], 'definitionId' | 'name' | 'openedAt'> },
  columns: () => readonly string[],
): (item: ComparedRow, owner: Owner) => boolean {
  const mappers = new Map<number, (item: ComparedRow) => string>();
  let known = 0;
  return (item, owner) => {
    // Of an imported key nothing else is known: it stands for whatever comes under it.
    if (owner.contentHash.length === 0 || owner.contentHash.equals(item.claim.contentHash)) return true;
    if (owner.definitionId === pass.processing.definitionId) return false;
    if (columns().length !== known) mappers.clear();
    known = columns().length;
    let contentUnder = mappers.get(owner.definitionId);
    if (!contentUnder) {
      const { event } = parseStoredDefinition(getDefinition(ctx.ledger, owner.definitionId).body);
      const map = compileMapping(event, spelledAs(columns(), requiredColumns(event)), {
        fileName: pass.processing.name,
        now: pass.processing.openedAt,
        hash: keyedHash(ctx.ledger),
      });
      contentUnder = ({ values, claim }) => {
        const mapped = map(values, claim.line);
        return mapped.ok ? mapped.contentHash : '';
      };
      mappers.set(owner.definitionId, contentUnder);
    }
    return contentUnder(item) === owner.contentHash.toString('hex');
  };
}

/** The columns of a file in the spelling that another definition uses for them. */
function spelledAs(columns: readonly string[], names: readonly string[]): string[] {
  const fold = (name: string): string => name.trim().toLowerCase();
  const spelling = new Map(names.map((name) => [fold(name), name]));
  return columns.map((column) => spelling.get(fold(column)) ?? column);
}
