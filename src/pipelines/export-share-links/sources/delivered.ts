import { existsSync } from 'node:fs';
import type { LedgerSource } from '../../../jobs/customer-sources.ts';
import { type Definition, parseStoredDefinition } from '../../../jobs/definition.ts';
import { openBook } from '../../../ledger/deliveries.ts';
import { type DeliveredFile, filesDeliveredSince, recordTaken, type TakenFile } from '../../../ledger/link-sources.ts';
import { getDefinition } from '../../../ledger/registry.ts';
import { compileMapping, requiredColumns } from '../../../mapping/compile.ts';
import { FileRefused, type Notice, TransferError } from '../../../model.ts';
import { openRows } from '../../../parsing/open.ts';
import { type PgpKeys, unlockPgpKeys } from '../../../parsing/pgp-keys.ts';
import { type StagedPaths, stagedPaths } from '../../files/context.ts';
import { createCursor } from '../../files/cursor.ts';
import { openRowIndex } from '../../files/row-index.ts';
import { type Seal, sealFile } from '../../files/seal.ts';
import { stagedFile } from '../../files/staged-file.ts';
import type { Customers, GatherContext } from './gather.ts';

/** People who buy every day come once in a while, not once a purchase. The file may have some twice: those are duplicates. */
const MOST_SEEN = 100_000;

/**
 * The people of rows that were delivered since the last run: from the staged copies of their files, since the ledger does not know
 * who they are. What has no staged copy any more is told of.
 */
export function deliveredCustomers(ctx: GatherContext, source: LedgerSource): Customers {
  const { ledger, job } = ctx;
  const taken: TakenFile[] = [];
  const notices: Notice[] = [];
  const columns = ['email', 'partner_user_id', ...source.columns];

  const seen = new Set<string>();
  const isNew = ({ email, partner_user_id: id = '' }: Readonly<Record<string, string>>): boolean => {
    if (seen.size > MOST_SEEN) seen.clear();
    const before = seen.size;
    seen.add(email?.toLowerCase() ?? id);
    return seen.size > before;
  };

  async function* batches(): AsyncGenerator<string[][]> {
    const keys = source.pgp && (await unlockPgpKeys(source.pgp, ctx.io));
    const search = { job: job.id, sources: source.jobs, events: source.events };
    for (const file of filesDeliveredSince(ledger, search)) {
      const paths = stagedPaths(ctx.staging, file.processing);
      if (file.pruned || !existsSync(paths.input)) {
        notices.push(gone(file));
        taken.push(file);
        continue;
      }
      try {
        for await (const events of deliveredRows(ctx, file, { paths, keys, events: source.events }))
          yield events.filter(isNew).map((data) => columns.map((name) => data[name] ?? ''));
        taken.push(file);
      } catch (error) {
        if (!(error instanceof FileRefused) && !(error instanceof TransferError)) throw error;
        notices.push(unreadable(file, error));
      }
    }
  }

  return {
    stem: 'delivered-customers',
    columns,
    batches: batches(),
    notices,
    taken: () => recordTaken(ledger, job.id, taken),
  };
}

interface Reading {
  paths: StagedPaths;
  keys: PgpKeys | undefined;
  events: readonly string[] | undefined;
}

/** The fields of the delivered rows of a file that are new, batch by batch. */
async function* deliveredRows(
  ctx: GatherContext,
  file: DeliveredFile,
  { paths, keys, events }: Reading,
): AsyncGenerator<Readonly<Record<string, string>>[]> {
  const definition = parseStoredDefinition(getDefinition(ctx.ledger, file.definitionId).body);
  const seal = await sealFile({ ...ctx, keys }, { definition, paths, processing: file });
  const book = openBook(ctx.ledger, file.processing);
  const index = openRowIndex(paths.index);
  try {
    const reader = await openRows(
      stagedFile({ keys }, definition, paths.input, file.name),
      definition.file,
      requiredColumns(definition.event),
      ctx.signal,
    );
    const cursor = createCursor(index.blocks(true));
    const map = mapperFor(definition, file);
    for await (const batch of reader.batches()) {
      const [first, last] = [batch[0]?.line, batch.at(-1)?.line];
      if (first === undefined || last === undefined) continue;
      const known = book.range(file.processing, first, last);
      const found: Readonly<Record<string, string>>[] = [];
      for (const row of batch) {
        const { block, i } = cursor.next(row.line);
        const delivery = known.get(row.line);
        if (delivery?.state !== 'delivered' || delivery.at <= file.after) continue;
        if (events && !events.includes(nameOf(seal, block.eventName(i)))) continue;
        const mapped = map(reader.columns)(row.values, row.line);
        if (mapped.ok) found.push(mapped.event.data);
      }
      if (found.length > 0) yield found;
    }
  } finally {
    index.close();
  }
}

const nameOf = (seal: Seal, at: number): string => seal.eventNames[at] ?? '';

/** The columns of JSON grow while it is read. */
function mapperFor(definition: Definition, { name, openedAt }: DeliveredFile) {
  let width = -1;
  let mapper = compileMapping(definition.event, [], { fileName: name, now: openedAt });
  return (columns: readonly string[]) => {
    if (columns.length !== width) {
      mapper = compileMapping(definition.event, columns, { fileName: name, now: openedAt });
      width = columns.length;
    }
    return mapper;
  };
}

function gone({ name, job, fresh }: DeliveredFile): Notice {
  const message = `${fresh} delivered row${fresh === 1 ? '' : 's'} of ${name} (job ${job}) gave no customers: the staged copy of the file is gone. Raise retention.days of that job, or run this one more often`;
  return { code: 'CUSTOMERS_PRUNED', message };
}

function unreadable({ name, job, fresh }: DeliveredFile, error: Error & { code: string }): Notice {
  const hint =
    error.code === 'PGP_KEY_GONE'
      ? 'it came encrypted: give customers.ledger.pgp the private key'
      : 'the next run tries again';
  const message = `${fresh} delivered row${fresh === 1 ? '' : 's'} of ${name} (job ${job}) gave no customers yet: ${error.message}; ${hint}`;
  return { code: 'CUSTOMERS_UNREADABLE', message };
}
