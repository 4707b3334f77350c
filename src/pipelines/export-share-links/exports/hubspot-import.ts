import { join, posix } from 'node:path';
import { createHubspot, type Hubspot } from '../../../destinations/hubspot/hubspot.ts';
import type { ImportEnd, ImportFile } from '../../../destinations/hubspot/imports.ts';
import type { HubspotSettings } from '../../../destinations/hubspot/settings.ts';
import { type KnownExport, recordExport } from '../../../ledger/exports.ts';
import { TransferError } from '../../../model.ts';
import type { AfterContext } from '../after-context.ts';
import { exportFolder } from './make.ts';

/** What imports came to; kept with the export. */
export interface Imported {
  imports: { id: string; state: string; counters: Readonly<Record<string, number>> }[];
  /** Lines that HubSpot refused, by its code. */
  refused: Readonly<Record<string, number>>;
}

/**
 * Hands the files of a planned export to HubSpot, each as an import of its own, and follows them to their ends. An import has a name that
 * only this export has, by which one is found again whose answer was lost. Throws IMPORT_FAILED where HubSpot gave one up.
 */
export async function importIntoHubspot(
  ctx: AfterContext,
  settings: HubspotSettings,
  planned: KnownExport,
): Promise<Imported> {
  const hubspot = createHubspot(settings, ctx.io);
  try {
    const ids = planned.importId === '' ? [] : planned.importId.split(',');
    const files = planned.contents.files.filter(({ role }) => role === 'rows');
    if (ids.length === 0) await makeProperties(hubspot, planned.contents.columns, ctx);
    for (const [i, file] of files.entries()) {
      if (ids[i] !== undefined) continue;
      ids[i] = await hubspot.imports.start(importOf(ctx, planned, file, i), ctx.signal);
      ctx.crashPoint('export-file-out');
      recordExport(ctx.ledger, planned.id, { importId: ids.join(','), state: 'out' });
    }
    const refused: Record<string, number> = {};
    const ends: ImportEnd[] = [];
    for (const id of ids) {
      ends.push(await hubspot.imports.follow(id, ctx.signal));
      for await (const { code } of hubspot.imports.errors(id, ctx.signal)) refused[code] = (refused[code] ?? 0) + 1;
    }
    const bad = ends.find(({ state }) => state !== 'DONE');
    if (bad !== undefined) throw failed(bad);
    return { imports: ends, refused };
  } finally {
    await hubspot.close();
  }
}

/** HubSpot refuses an import into a property that it lacks. Where the token may make none, the import itself says what is missing. */
async function makeProperties(
  hubspot: Hubspot,
  columns: readonly string[],
  { io, signal }: AfterContext,
): Promise<void> {
  const properties = columns
    .filter((name) => name !== 'email')
    .map((name) => ({ name, label: name.replaceAll('_', ' ') }));
  try {
    await hubspot.ensureProperties(properties, signal);
  } catch (error) {
    if (!(error instanceof TransferError) || error.retryable) throw error;
    io.log.info({ code: error.code }, error.message);
  }
}

function importOf(
  ctx: AfterContext,
  planned: KnownExport,
  file: { name: string; size: number },
  i: number,
): ImportFile {
  const name = `Referry ${ctx.ledger.id} ${planned.job} ${planned.target} e${planned.id} ${i + 1}`;
  const path = join(exportFolder(ctx, planned.target), file.name);
  const columns = planned.contents.columns.map((column) => ({
    column,
    property: column,
    ...(column === 'email' ? { identifies: true as const } : {}),
  }));
  return { name, fileName: posix.basename(file.name), path, bytes: file.size, columns };
}

function failed({ id, state }: ImportEnd): TransferError {
  return new TransferError('IMPORT_FAILED', `HubSpot ended the import ${id} as ${state}`, {
    hint: 'look at it in HubSpot (Data Management, Data Integration, Imports); the next run makes a new file and hands that in',
  });
}
