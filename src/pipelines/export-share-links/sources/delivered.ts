import { existsSync } from 'node:fs';
import type { LedgerSource } from '../../../jobs/customer-sources.ts';
import { type DeliveredFile, filesDeliveredSince, recordTaken, type TakenFile } from '../../../ledger/link-sources.ts';
import { FileRefused, type Notice, TransferError } from '../../../model.ts';
import { unlockPgpKeys } from '../../../parsing/pgp-keys.ts';
import { stagedPaths } from '../../files/context.ts';
import { deliveredRows } from '../../files/delivered-rows.ts';
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
