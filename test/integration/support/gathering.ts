import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { createLog, realIo } from '../../../src/io.ts';
import { type Ledger, openLedger } from '../../../src/ledger/open.ts';
import {
  type CustomersFrom,
  type GatherContext,
  type Gathered,
  gatherCustomers,
} from '../../../src/pipelines/export-share-links/sources/gather.ts';

export const io = realIo(createLog('silent'));

/** Gathers customers as a run of the job `links` does, with a ledger of its own opening. */
export async function gatherWith(
  path: string,
  state: string,
  customers: CustomersFrom,
  work: (gathered: Gathered, ledger: Ledger) => Promise<void> | void,
  change: Partial<GatherContext> = {},
): Promise<void> {
  const ledger = await openLedger(path, 'command', io);
  try {
    const gathered = await gatherCustomers({
      run: 1,
      ledger,
      io,
      signal: new AbortController().signal,
      staging: join(state, 'staging'),
      progress: () => {},
      crashPoint: () => {},
      job: { id: 'links', customers },
      ...change,
    });
    await work(gathered, ledger);
  } finally {
    await ledger.close();
  }
}

/** The rows of a gathered file, as a reader that is not ours sees them. */
export function customersIn({ file }: Gathered): Record<string, string>[] {
  return file ? parse(readFileSync(file.path), { columns: true }) : [];
}

/** `kind`: the folder of such files. */
export const gatheredFiles = (state: string, kind = 'customers'): string[] =>
  readdirSync(join(state, 'staging', kind)).sort();
