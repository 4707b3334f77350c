import { confirmRows } from '../../../ledger/confirm.ts';
import { rowsInScope } from '../../../ledger/held-rows.ts';
import { listFiles } from '../../../ledger/known-files.ts';
import { getProcessing } from '../../../ledger/processings.ts';
import { TransferError } from '../../../model.ts';
import { confirmAll, confirmable, confirmUpload } from '../by-file/confirm.ts';
import { byFile } from './plan-release.ts';
import type { DecisionRequest, PlanContext, Planned } from './planned.ts';

/**
 * A person says that a file was uploaded by hand and taken, or gives the results file that says so row by row. With a line or a
 * code: that held rows were found at the destination.
 */
export function planConfirm(context: PlanContext, request: DecisionRequest): Planned {
  if (request.line === undefined && request.code === undefined) return planUpload(context, request);
  const { ledger } = context;
  const rows = rowsInScope(ledger, { ...request, states: ['held'] });
  return {
    rows: rows.length,
    files: byFile(context, rows),
    about: [...rows],
    apply: (now) => {
      confirmRows(ledger.db, rows, now);
      return new Map(rows.map((row) => [row.processingId, 'none']));
    },
  };
}

function planUpload({ ledger }: PlanContext, request: DecisionRequest): Planned {
  const { job, processingId = 0, path, by, reason } = request;
  const file = listFiles(ledger, { job, processing: processingId })[0];
  if (!file)
    throw new TransferError('USAGE', `job ${job} has no file p${processingId}`, {
      hint: `referry files ${job} lists them`,
    });
  const waiting = confirmable(ledger, processingId);
  const rows = waiting.reduce((sum, each) => sum + each.rows, 0);
  const { name } = file;
  return {
    rows,
    files: waiting.map(({ upload, rows: its }) => ({
      processing: processingId,
      name,
      rows: its,
      because: `uploaded as ${upload.name}`,
    })),
    ...(rows === 0 ? { nothing: `no row of ${name} waits for a confirmation` } : {}),
    about: rows === 0 ? [] : [{ processingId, line: 0 }],
    apply: (now) => {
      if (path === undefined) for (const { upload } of waiting) confirmAll(ledger, upload, now);
      return new Map([[processingId, 'none']]);
    },
    ...(path === undefined
      ? {}
      : {
          first: async (ctx) => {
            await confirmUpload(ctx, getProcessing(ledger, processingId), { results: path, by, reason });
          },
        }),
  };
}
