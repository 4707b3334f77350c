import type { Job } from '../../jobs/schema.ts';
import { type DeliveryBook, type Owner, openBook } from '../../ledger/deliveries.ts';
import type { Ledger } from '../../ledger/open.ts';
import { findEventName } from '../../ledger/registry.ts';
import { isMembers, requiredColumns } from '../../mapping/compile.ts';
import { openRows } from '../../parsing/open.ts';
import { createTally, type RowState } from '../../reports/tally.ts';
import type { FilePass, RunContext } from './context.ts';
import { createCursor } from './cursor.ts';
import { heldCode } from './held-part.ts';
import { contentComparer } from './ownership.ts';
import { type IndexBlock, openRowIndex, VERDICT } from './row-index.ts';
import type { Seal } from './seal.ts';
import { stagedFile } from './staged-file.ts';

type Context = Pick<RunContext, 'signal' | 'keys'> & { ledger: Ledger | undefined };
type Pass = Pick<FilePass, 'definition' | 'paths'> & { processing: { name: string; openedAt: number } };
type Pieces = ReturnType<ReturnType<typeof createTally>['pieces']>;

/** Whether a row and the owner of its key, whose content hashes differ, are the same fact under the owner's definition. */
type SameUnderOwner = (owner: Owner, eventId: number) => boolean;

/** Adds up what would become of each row of a sealed file: from its index, and again with its values where those are needed. */
export async function tallyDryRun(asked: Context, pass: Pass, seal: Seal, job: Job): Promise<Pieces> {
  // Members own no keys: those of events are none of theirs.
  const ctx = isMembers(pass.definition.event) ? { ...asked, ledger: undefined } : asked;
  const index = openRowIndex(pass.paths.index);
  try {
    let needsValues = false;
    const quick = createJudge(ctx.ledger, seal, job);
    for (const block of index.blocks()) {
      for (let i = 0; i < block.count; i++)
        quick.add(block, i, () => {
          needsValues = true;
          return false;
        });
    }
    return needsValues && ctx.ledger ? await withValues(ctx, pass, seal, job, ctx.ledger) : quick.pieces();
  } finally {
    index.close();
  }
}

async function withValues(ctx: Context, pass: Pass, seal: Seal, job: Job, ledger: Ledger): Promise<Pieces> {
  const { definition, paths, processing } = pass;
  const reader = await openRows(
    stagedFile(ctx, definition, paths.input, processing.name),
    definition.file,
    requiredColumns(definition.event),
    ctx.signal,
  );
  // No number is the present definition's, so every other content is looked at twice.
  const same = contentComparer({ ledger }, { processing: { ...processing, definitionId: 0 } }, () => reader.columns);
  const judge = createJudge(ledger, seal, job);
  const index = openRowIndex(paths.index);
  try {
    const cursor = createCursor(index.blocks(true));
    for await (const batch of reader.batches()) {
      for (const { line, values } of batch) {
        const { block, i } = cursor.next(line);
        judge.add(block, i, (owner, eventNameId) => {
          const [keyHash, contentHash] = [block.keyHash(i), block.contentHash(i)];
          const claim = { line, eventNameId, key: '', keyHash, contentHash, orderHash: null };
          return same({ claim, values }, owner);
        });
      }
    }
    return judge.pieces();
  } finally {
    index.close();
  }
}

function createJudge(
  ledger: Ledger | undefined,
  seal: Seal,
  job: Job,
): { add(block: IndexBlock, i: number, same: SameUnderOwner): void; pieces(): Pieces } {
  const tally = createTally();
  const book = ledger && openBook(ledger, 0);
  const { account, container } = job.destination.extole;
  const identity = { provider: 'extole', account, container };
  const eventIds = seal.eventNames.map((name) => (ledger ? findEventName(ledger, identity, name) : undefined));
  return {
    pieces: () => tally.pieces(),
    add(block, i, same) {
      const currency = block.currency(i);
      const eventMs = block.eventMs(i);
      tally.add({
        line: block.line(i),
        eventName: seal.eventNames[block.eventName(i)] ?? '',
        reason: '',
        ...(currency > 0 ? { money: { currency: seal.currencies[currency] ?? '', units: block.money(i) } } : {}),
        ...(eventMs !== 0 ? { eventMs } : {}),
        ...fateOf(block, i, seal, book, eventIds[block.eventName(i)], same),
      });
    },
  };
}

function fateOf(
  block: IndexBlock,
  i: number,
  seal: Seal,
  book: DeliveryBook | undefined,
  eventId: number | undefined,
  same: SameUnderOwner,
): { state: RowState; code: string } {
  const code = seal.codes[block.code(i)] ?? '';
  const verdict = block.verdict(i);
  if (verdict === VERDICT.rejected) return { state: 'rejected', code };
  const waits = seal.held && heldCode(seal.held, seal.eventNames[block.eventName(i)] ?? '');
  if (waits !== undefined) return { state: 'held', code: waits };
  if (verdict === VERDICT.duplicate) return { state: 'duplicate', code };
  if (verdict === VERDICT.conflict) return { state: 'conflict', code };
  const owner = eventId === undefined ? undefined : book?.owner(eventId, block.keyHash(i));
  if (!owner || eventId === undefined) return { state: 'open', code: '' };
  const known = owner.contentHash.length === 0 || owner.contentHash.equals(block.contentHash(i));
  return known || same(owner, eventId)
    ? { state: 'duplicate', code: 'DUPLICATE' }
    : { state: 'conflict', code: 'CONFLICT' };
}
