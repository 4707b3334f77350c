import type { HubspotSource, LedgerSource } from '../../../jobs/customer-sources.ts';
import type { PushTarget } from '../../../jobs/push-targets.ts';
import type { LinkPlace } from '../../../ledger/links.ts';
import type { Notice } from '../../../model.ts';
import type { RunContext } from '../../files/context.ts';
import { type GatheringContext, gatherFile } from '../../files/gathered.ts';
import type { GatheredFile } from '../../files/pipeline.ts';
import { deliveredCustomers } from './delivered.ts';
import { hubspotCustomers } from './hubspot.ts';

/** What the gathering of customers needs of a run. */
export type GatherContext = GatheringContext &
  Pick<RunContext, 'crashPoint'> & {
    job: { id: string; customers: CustomersFrom; push?: readonly PushTarget[] };
    /** Whose links the pushes of the job give. */
    links?: LinkPlace;
  };

/** `customers:` of a job. The section of its source is there, as the job's check sees to. */
export interface CustomersFrom {
  from: 'inbox' | 'hubspot' | 'ledger';
  hubspot?: HubspotSource | undefined;
  ledger?: LedgerSource | undefined;
}

/** Customers, one after the other, as rows of a file. */
export interface Customers {
  /** What the file's name has after the job. */
  stem: string;
  columns: readonly string[];
  /** Batches of rows; cells[i] belongs to columns[i]. */
  batches: AsyncIterable<readonly (readonly string[])[]>;
  /** What people should know; complete once all batches were read. */
  notices: readonly Notice[];
  /** Notes in the ledger that all of them were taken. */
  taken(): void;
}

export interface Gathered {
  /** Absent where there is nobody, or nobody who did not come before. */
  file?: GatheredFile;
  notices: readonly Notice[];
}

/**
 * Asks the source of a job for customers and writes them to a file, whole or not at all. A gathering that is cut short starts anew
 * the next time; nothing counts as taken before the file is staged. Throws `TransferError` where the source cannot be asked.
 */
export async function gatherCustomers(ctx: GatherContext): Promise<Gathered> {
  const { job, io } = ctx;
  const customers = customersOf(ctx);
  if (!customers) return { notices: [] };
  const { stem, columns, batches, notices } = customers;
  // Files of several jobs lie in one folder.
  const place = { job: job.id, begin: `${job.id}-${stem}-`, folder: 'customers', taken: () => customers.taken() };
  const { file, rows } = await gatherFile(ctx, place, { columns, batches: oneLineEach(batches) });
  const told = { job: job.id, rows, ...(file ? { file: file.name } : {}) };
  io.log.info(told, file ? 'customers were gathered' : 'there are no customers who did not come before');
  return file ? { file, notices } : { notices };
}

/** A line break in a name is a slip of somebody's keyboard; it would only make the results harder to read. */
async function* oneLineEach(batches: Customers['batches']): AsyncGenerator<string[][]> {
  for await (const batch of batches) yield batch.map((cells) => cells.map(oneLine));
}

const oneLine = (cell: string): string => cell.replace(/[\r\n]+/g, ' ').trim();

function customersOf(ctx: GatherContext): Customers | undefined {
  const { from, hubspot, ledger } = ctx.job.customers;
  if (from === 'hubspot' && hubspot) return hubspotCustomers(ctx, hubspot);
  if (from === 'ledger' && ledger) return deliveredCustomers(ctx, ledger);
  return undefined;
}
