import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HubspotSource, LedgerSource } from '../../../jobs/customer-sources.ts';
import type { PushTarget } from '../../../jobs/push-targets.ts';
import { areContentsKnown } from '../../../ledger/link-sources.ts';
import type { LinkPlace } from '../../../ledger/links.ts';
import type { Notice } from '../../../model.ts';
import type { RunContext } from '../../files/context.ts';
import { sweepGathered, writeGathered } from '../../files/gathered.ts';
import { stagingProblem } from '../../files/stage.ts';
import { deliveredCustomers } from './delivered.ts';
import { hubspotCustomers } from './hubspot.ts';

/** What the gathering of customers needs of a run. */
export type GatherContext = Pick<
  RunContext,
  'run' | 'ledger' | 'io' | 'signal' | 'staging' | 'progress' | 'crashPoint'
> & {
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

/** A file of customers that is whole, and lies in the state folder until it is staged. */
export interface GatheredFile {
  path: string;
  name: string;
  rows: number;
  /** Call it once the file's contents are staged: from then on they count as taken, and the file goes. Repeating it is harmless. */
  taken(): Promise<void>;
}

export interface Gathered {
  /** Absent where there is nobody, or nobody who did not come before. */
  file?: GatheredFile;
  notices: readonly Notice[];
}

/** Folder of such files, below staging. */
export const CUSTOMERS = 'customers';

/**
 * Asks the source of a job for customers and writes them to a file, whole or not at all. A gathering that is cut short starts anew
 * the next time; nothing counts as taken before the file is staged. Throws `TransferError` where the source cannot be asked.
 */
export async function gatherCustomers(ctx: GatherContext): Promise<Gathered> {
  const { job, ledger, io, staging } = ctx;
  const customers = customersOf(ctx);
  if (!customers) return { notices: [] };
  const folder = join(staging, CUSTOMERS);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await sweepGathered(ctx, { job: job.id, folder, begin: beginOf(ctx, customers) });
  const stamp = new Date(io.now()).toISOString().replace(/[-:]|\.\d+/g, '');
  const name = `${beginOf(ctx, customers)}${stamp}-r${ctx.run}.csv`;
  const path = join(folder, name);
  const written = await writeGathered(ctx, customers, { path, name }).catch((error: unknown) => {
    throw stagingProblem(error, staging);
  });
  const { notices } = customers;
  const discard = async (): Promise<void> => {
    customers.taken();
    await rm(path, { force: true });
  };
  if (written.rows === 0 || areContentsKnown(ledger, job.id, written.sha256)) {
    io.log.info({ job: job.id, rows: written.rows }, 'there are no customers who did not come before');
    await discard();
    return { notices };
  }
  io.log.info({ job: job.id, file: name, rows: written.rows }, 'customers were gathered');
  return { file: { path, name, rows: written.rows, taken: discard }, notices };
}

function customersOf(ctx: GatherContext): Customers | undefined {
  const { from, hubspot, ledger } = ctx.job.customers;
  if (from === 'hubspot' && hubspot) return hubspotCustomers(ctx, hubspot);
  if (from === 'ledger' && ledger) return deliveredCustomers(ctx, ledger);
  return undefined;
}

/** Files of several jobs lie in one folder. */
const beginOf = ({ job }: GatherContext, { stem }: Customers): string => `${job.id}-${stem}-`;
