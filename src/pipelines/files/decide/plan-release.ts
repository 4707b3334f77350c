import { decideFile } from '../../../ledger/decide-file.ts';
import { heldExports, releaseExport } from '../../../ledger/exports.ts';
import { type RowPlace, rowsInScope } from '../../../ledger/held-rows.ts';
import { type ListedFile, listFiles } from '../../../ledger/known-files.ts';
import type { FileVerdict } from '../../../ledger/processings.ts';
import { releaseRows } from '../../../ledger/release.ts';
import type { Concern } from '../context.ts';
import { countLeaving } from './count-leaving.ts';
import type { DecisionRequest, PlanContext, Planned, PlannedFile } from './planned.ts';

/** Held rows are sent after all, and so are files that are held as a whole. */
export function planRelease(context: PlanContext, request: DecisionRequest): Planned {
  if (request.exportId !== undefined) return planReleaseOfExport(context, request);
  const { db } = context.ledger;
  const rows = rowsInScope(context.ledger, { ...request, states: ['held'] });
  const files = heldFiles(context, request);
  const planned = files.map(({ file, held }) => ({
    processing: file.processing,
    name: file.name,
    rows: countLeaving(context, file),
    because: `held as a whole: ${held.code}`,
  }));
  return {
    rows: rows.length + planned.reduce((sum, file) => sum + file.rows, 0),
    files: [...planned, ...byFile(context, rows)],
    ...(request.line === undefined ? nothingYet(context, request, files) : nothingOfLine(files, request.line)),
    about: [...files.map(({ file }) => ({ processingId: file.processing, line: 0 })), ...rows],
    apply: (now) => {
      releaseRows(db, rows, now);
      for (const { file, held } of files) decideFile(db, file.processing, held, 'released', request.reason);
      const only = new Map<number, Concern>(linesOf(rows));
      for (const { file } of files) only.set(file.processing, 'all');
      return only;
    },
  };
}

/** The export is made anew, from the links as they are then, and may have as few rows as the held one has. */
function planReleaseOfExport({ ledger }: PlanContext, { job, exportId }: DecisionRequest): Planned {
  const held = heldExports(ledger, job).find(({ id }) => id === exportId);
  if (!held)
    return { rows: 0, files: [], nothing: `e${exportId} does not wait any more`, about: [], apply: () => new Map() };
  const { id, rows, target, code } = held;
  return {
    rows,
    files: [{ processing: 0, export: `e${id}`, name: `export ${target}`, rows, because: `held: ${code}` }],
    decides: true,
    about: [],
    apply: () => {
      releaseExport(ledger, id);
      return new Map<number, Concern>();
    },
  };
}

/** Closed files of the scope that are held as a whole; a line of one cannot be decided by itself. */
export function heldFiles(
  { ledger }: PlanContext,
  { job, processingId, code, line }: DecisionRequest,
): { file: ListedFile; held: FileVerdict }[] {
  return listFiles(ledger, { job, processing: processingId, held: true }).flatMap((file) => {
    const { refusal: held } = file;
    if (held?.verdict !== 'held' || file.state !== 'closed' || file.superseded) return [];
    if (line !== undefined || (code !== undefined && held.code !== code)) return [];
    return [{ file, held }];
  });
}

/** The decided rows of each file are what its run may send. */
function linesOf(rows: readonly RowPlace[]): [number, Concern][] {
  const lines = Map.groupBy(rows, (row) => row.processingId);
  return [...lines].map(([processing, its]) => {
    const wanted = new Set(its.map((row) => row.line));
    return [processing, (prior) => wanted.has(prior.line)];
  });
}

/** How many rows of each file, with the codes they wait with. */
export function byFile({ ledger }: PlanContext, rows: readonly RowPlace[]): PlannedFile[] {
  const nameOf = ledger.db.prepare<[number], { name: string }>('SELECT name FROM processings WHERE id = ?');
  return [...Map.groupBy(rows, (row) => row.processingId)].map(([processing, its]) => ({
    processing,
    name: nameOf.get(processing)?.name ?? '',
    rows: its.length,
    because: [...new Set(its.map(({ state, code }) => `${state} ${code}`.trim()))].join(', '),
  }));
}

function nothingOfLine(files: readonly unknown[], line: number): { nothing?: string } {
  return files.length > 0 ? {} : { nothing: `line ${line} is not held by itself` };
}

/** What is held of a file is decided about once all else of it is through. */
export function nothingYet(
  { ledger }: PlanContext,
  { job, processingId }: DecisionRequest,
  files: readonly unknown[],
): { nothing?: string } {
  if (processingId === undefined || files.length > 0) return {};
  const waits = listFiles(ledger, { job, processing: processingId, held: true }).find(
    ({ state }) => state !== 'closed',
  );
  if (!waits) return {};
  return { nothing: `${waits.name} is not through yet with its other segments: referry run ${job}, then this again` };
}
