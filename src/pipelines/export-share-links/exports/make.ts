import { mkdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { CompiledExport } from '../../../exports/format.ts';
import type { ExportKind } from '../../../exports/row.ts';
import { writeExport } from '../../../exports/write.ts';
import { writeQrCodes } from '../../../exports/write-qr-codes.ts';
import { type ExportTarget, nameOfExport } from '../../../jobs/export-targets.ts';
import { type ExportContents, type ExportedFile, folderOfExport, type KnownExport } from '../../../ledger/exports.ts';
import { syncFolder } from '../../files/stage.ts';
import type { AfterContext } from '../after-context.ts';
import { exportRows } from './rows.ts';

/** What was written on this machine. read = rows + the sum of leftOut. */
export interface Made {
  contents: ExportContents;
  read: number;
  rows: number;
  bytes: number;
  leftOut: Readonly<Record<string, number>>;
}

/** Where the files of a target's export are until they are in place. */
export function exportFolder({ staging, job }: Pick<AfterContext, 'staging' | 'job'>, target: string): string {
  return join(staging, 'exports', folderOfExport(job.id, target));
}

/** Removes what an export that is over, or that was never planned, has left. */
export async function clearExport(ctx: Pick<AfterContext, 'staging' | 'job'>, target: string): Promise<void> {
  await rm(exportFolder(ctx, target), { recursive: true, force: true });
}

export interface Making {
  target: ExportTarget;
  format: CompiledExport;
  kind: ExportKind;
  /** Milliseconds since 1970. */
  at: number;
  /** Links with a higher seq. */
  from: number;
}

/** Writes the files of an export, whole and flushed, into its folder on this machine. Throws what the disk says. */
export async function makeFiles(ctx: AfterContext, making: Making): Promise<Made> {
  const { target, format, kind, at, from } = making;
  const folder = exportFolder(ctx, nameOfExport(target));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { signal } = ctx;
  const written = await writeExport({ rows: exportRows(ctx, format, from), format, folder, at, kind, signal });
  const files = written.files.map(
    ({ name, rows, size, sha256 }): ExportedFile => ({ name, rows, size, sha256, role: 'rows' }),
  );
  const contents: ExportContents = { columns: written.columns, files };
  if (target.qr !== undefined) {
    const name = `${basename(files[0]?.name ?? '', '.csv')}-qr`;
    const rows = exportRows(ctx, {}, from);
    const drawn = await writeQrCodes({ rows, settings: target.qr, folder, name, at, signal });
    for (const { name: zip, size, sha256 } of drawn.zips) files.push({ name: zip, rows: 0, size, sha256, role: 'qr' });
    contents.qr = {
      images: drawn.images,
      leftOut: drawn.leftOut,
      ...(drawn.folder === undefined ? {} : { folder: name }),
    };
  }
  await syncFolder(folder);
  const { read, rows, bytes, leftOut } = written;
  return { contents, read, rows, bytes, leftOut };
}

/** Whether the files of a planned export that are not in place yet are still on this machine. */
export async function stillThere(ctx: AfterContext, { target, contents, importId }: KnownExport): Promise<boolean> {
  const folder = exportFolder(ctx, target);
  const handedIn = importId === '' ? 0 : importId.split(',').length;
  for (const [i, { name, size, as }] of contents.files.entries()) {
    if (as !== undefined || i < handedIn) continue;
    const there = await stat(join(folder, name)).catch(() => undefined);
    if (there?.size !== size) return false;
  }
  const { qr } = contents;
  if (qr?.folder === undefined || qr.as !== undefined) return true;
  return (await stat(join(folder, qr.folder)).catch(() => undefined)) !== undefined;
}
