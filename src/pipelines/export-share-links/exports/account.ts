import type { ExportAccount } from '../../../accounts.ts';
import type { KnownExport } from '../../../ledger/exports.ts';
import type { RefusalDetail } from '../../../model.ts';
import type { Imported } from './hubspot-import.ts';

function accountOf(known: KnownExport, state: ExportAccount['state']): ExportAccount {
  const { id, job, target, format, kind, place, read, rows, leftOut } = known;
  const left = Object.values(leftOut).reduce((sum, n) => sum + n, 0);
  const balanced = read === rows + left;
  return { job, export: `e${id}`, target, format, kind, state, place, read, rows, leftOut, files: [], balanced };
}

/** Of an export that is in place. */
export function publishedAccount(known: KnownExport): ExportAccount {
  const { files, qr, manifest } = known.contents;
  const there = [...files.map(({ as }) => as), qr?.as, manifest?.as].filter((as) => as !== undefined);
  const account = accountOf(known, 'published');
  if (known.ended === '') return { ...account, files: there };
  const { imports, refused }: Imported = JSON.parse(known.ended);
  return { ...account, files: imports.map(({ id }) => `import ${id}`), refused };
}

/** Of one that waits for a person. */
export function heldAccount(known: KnownExport): ExportAccount {
  const hint = `look whether the source is whole; if the links are rightly gone: referry release e${known.id} --reason TEXT`;
  return { ...accountOf(known, 'held'), why: { code: known.code, message: known.reason, hint } };
}

/** Of a target that could not be given anything now. */
export function openAccount(
  known: Pick<ExportAccount, 'job' | 'target' | 'format' | 'kind' | 'place'>,
  why: RefusalDetail,
): ExportAccount {
  return { ...known, export: '', state: 'open', read: 0, rows: 0, leftOut: {}, files: [], why, balanced: true };
}
