import type { ExportAccount } from '../../../accounts.ts';
import { shrinkVerdict } from '../../../exports/shrink.ts';
import { compileTarget, contentsOf, type ExportTarget, nameOfExport } from '../../../jobs/export-targets.ts';
import {
  type KnownExport,
  lastExport,
  openExports,
  type PlannedExport,
  planExport,
  recordExport,
  waitingExport,
} from '../../../ledger/exports.ts';
import { linksStand } from '../../../ledger/list-links.ts';
import { type Notice, TransferError } from '../../../model.ts';
import { keyedHash } from '../../files/context.ts';
import type { AfterContext } from '../after-context.ts';
import { heldAccount, publishedAccount } from './account.ts';
import { importIntoHubspot } from './hubspot-import.ts';
import { clearExport, makeFiles, stillThere } from './make.ts';
import { putIntoOutbox } from './publish.ts';

/** What a target's step came to. `news`: it was not told before. */
export interface ExportStep {
  account: ExportAccount;
  news: boolean;
}

/**
 * One target: first what an earlier run planned and did not bring to its end, then what changed since the target was last given
 * something. Throws what is wrong with the outbox; what was planned is then brought further by the next run.
 */
export async function* runExport(
  ctx: AfterContext,
  target: ExportTarget,
  notices: Notice[],
): AsyncGenerator<ExportStep> {
  const { ledger, job } = ctx;
  const name = nameOfExport(target);
  const place = placeOf(target);
  const open = openExports(ledger, job.id).find((each) => each.target === name);
  if (open && open.place === place && (await stillThere(ctx, open))) {
    yield { account: await bringOut(ctx, target, open), news: true };
  } else if (open) notices.push(withdraw(ctx, open));
  await clearExport(ctx, name);

  const found = due(ctx, target);
  if (found === undefined) return;
  if (found.held) {
    yield { account: heldAccount(found.held), news: false };
    return;
  }
  const planned = await plan(ctx, target, found);
  if (planned.state === 'held') {
    await clearExport(ctx, name);
    yield { account: heldAccount(planned), news: true };
    return;
  }
  ctx.crashPoint('export-planned');
  yield { account: await bringOut(ctx, target, planned), news: true };
}

/** It is made anew, with all that was in it. */
function withdraw({ ledger }: AfterContext, { id, target }: KnownExport): Notice {
  const message = `the export ${target} (e${id}) never came wholly into place, and its files are not on this machine any more, or it goes elsewhere now; it is made anew, and what of it lies in the outbox has no manifest`;
  recordExport(ledger, id, { state: 'withdrawn', code: 'EXPORT_LOST', reason: message });
  return { code: 'EXPORT_LOST', message };
}

/** What an export has to start from. */
interface Due {
  settings: string;
  last: KnownExport | undefined;
  waiting: KnownExport | undefined;
  /** Links with a higher seq are exported. */
  from: number;
  seq: number;
  count: number;
  /** Nothing has changed since it was held. */
  held?: KnownExport;
}

/** `undefined` where there is nothing to export. */
function due(ctx: AfterContext, target: ExportTarget): Due | undefined {
  const { ledger, job, links } = ctx;
  const name = nameOfExport(target);
  const settings = keyedHash(ledger)(
    `export:${links.destinationId}:${links.label.toLowerCase()}:${contentsOf(target)}`,
  );
  const last = lastExport(ledger, job.id, name);
  const waiting = waitingExport(ledger, job.id, name);
  const { seq, count } = linksStand(ledger, links);
  // The highest seq may be lower than it was: a person who is forgotten takes it along.
  const stands = (than: KnownExport): boolean =>
    than.settings === settings && seq <= than.seqTo && (target.kind === 'changes' || than.links === count);
  const from = target.kind === 'changes' && last?.settings === settings ? last.seqTo : 0;
  const found = { settings, last, waiting, from, seq, count };
  if (waiting?.state === 'held' && target.kind === 'snapshot' && stands(waiting)) return { ...found, held: waiting };
  if (waiting?.state === 'released' || target.whenUnchanged === 'export') return found;
  return last === undefined ? (count === 0 ? undefined : found) : stands(last) ? undefined : found;
}

/** Makes the files and keeps what they are before any of them leaves; or keeps that they are too few. */
async function plan(ctx: AfterContext, target: ExportTarget, found: Due): Promise<KnownExport> {
  const { ledger, job, io } = ctx;
  const { settings, last, waiting, from, seq, count } = found;
  const { kind } = target;
  const at = io.now();
  const format = compileTarget(target);
  const name = nameOfExport(target);
  if (format.fields.length > 0) await ctx.columns.ready();
  const { contents, ...made } = await makeFiles(ctx, { target, format, kind, at, from });
  // What a person has let go is what the next one is compared with.
  const before = waiting?.state === 'released' ? waiting : last?.kind === 'snapshot' ? last : undefined;
  const verdict =
    kind === 'snapshot' ? shrinkVerdict({ last: before?.rows, now: made.rows }, target.keepAtLeast) : undefined;
  const held = verdict?.held ? verdict : undefined;
  const planned: PlannedExport = {
    ...{ job: job.id, target: name, format: target.format, kind, settings, ...made },
    ...{ state: held ? 'held' : 'planned', madeAt: at, sinceAt: from > 0 ? (last?.madeAt ?? null) : null },
    ...{ seqFrom: from, seqTo: Math.max(from, seq), links: count, place: placeOf(target) },
    ...{ contents: held ? { ...contents, files: [] } : contents, code: held?.code ?? '', reason: held?.reason ?? '' },
  };
  const id = planExport(ledger, planned);
  return { ...planned, id, importId: '', ended: '', publishedAt: null };
}

/** Puts a planned export where it belongs, and keeps that it is there. */
async function bringOut(ctx: AfterContext, target: ExportTarget, planned: KnownExport): Promise<ExportAccount> {
  const { ledger, io } = ctx;
  const out: KnownExport = { ...planned, state: 'published' };
  if (target.format === 'hubspot-csv' && target.hubspot !== undefined) {
    try {
      out.ended = JSON.stringify(await importIntoHubspot(ctx, target.hubspot, planned));
    } catch (error) {
      if (error instanceof TransferError && error.code === 'IMPORT_FAILED')
        recordExport(ledger, planned.id, { state: 'withdrawn', code: error.code, reason: error.message });
      throw error;
    }
  } else if (target.to !== undefined) out.contents = await putIntoOutbox(ctx, target, target.to, planned);
  ctx.crashPoint('export-out');
  const { contents, ended } = out;
  recordExport(ledger, planned.id, {
    state: 'published',
    contents,
    ended,
    code: '',
    reason: '',
    publishedAt: io.now(),
  });
  io.log.info({ job: planned.job, target: planned.target, rows: planned.rows }, 'share links were exported');
  await clearExport(ctx, planned.target);
  return publishedAccount(out);
}

/** Where the export goes, without secrets. */
export function placeOf(target: ExportTarget): string {
  if (target.format === 'hubspot-csv' && target.hubspot !== undefined)
    return `imports of HubSpot, account ${target.hubspot.account}`;
  return target.to?.url ?? '';
}
