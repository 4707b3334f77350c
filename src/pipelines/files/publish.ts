import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Processing, updateProcessing } from '../../ledger/processings.ts';
import { nextRevision, planPublication, publicationOf, recordPublication } from '../../ledger/publications.ts';
import { type FileAccount, type RemoteFile, TransferError } from '../../model.ts';
import { fittingName } from '../../remotes/names.ts';
import { matchPattern } from '../../remotes/stable.ts';
import { renderReport } from '../../reports/report.ts';
import { resultsName } from '../../reports/results.ts';
import type { ResultsSummary } from '../../reports/results-file.ts';
import { archiveCompanions } from './companions.ts';
import type { FilePass, RunContext } from './context.ts';
import { besideTarget, moveToFree } from './move-to-free.ts';
import { LOCAL } from './stage.ts';

/** Puts a revision of a processing's results in place. Its bytes are known to the ledger before they leave. */
export async function publishResults(
  ctx: RunContext,
  pass: FilePass,
  results: ResultsSummary,
  account: FileAccount,
  json: boolean,
): Promise<Processing> {
  const { ledger, io } = ctx;
  const { processing } = pass;
  const revision = nextRevision(ledger, processing);
  const folder = ctx.job.report.to;
  const ending = results.plainSha256 === undefined ? '' : '.pgp';
  const target = `${folder}/${resultsName(fittingName(processing.name), revision, json)}${ending}`;
  const before = publicationOf(ledger, processing.id, revision);
  planPublication(ledger, processing.id, revision, { target, sha256: results.sha256, size: results.size }, io.now());
  ctx.crashPoint('publication-planned');
  await ctx.remote.ensureFolder(folder);
  const publishedAs =
    before?.publishedAs && before.sha256 === results.sha256
      ? before.publishedAs
      : await ctx.remote.publish(target, { path: results.path, size: results.size, sha256: results.sha256 });
  ctx.crashPoint('published');
  recordPublication(ledger, processing.id, revision, publishedAs, io.now());
  const published: FileAccount = { ...account, resultsPath: publishedAs };
  const updated = updateProcessing(ledger, processing.id, {
    state: processing.state === 'closed' ? 'closed' : 'published',
    revision,
    resultsPath: publishedAs,
    account: published,
  });
  await rm(results.path, { force: true });
  return updated;
}

/** `x.csv.<UTC time>.<sha8>` */
export function archiveName({
  name,
  openedAt,
  rawSha256,
}: Pick<Processing, 'name' | 'openedAt' | 'rawSha256'>): string {
  const stamp = new Date(openedAt).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${fittingName(name)}.${stamp}.${(rawSha256 ?? '').slice(0, 8)}`;
}

/** Moves the input out of the way and closes the processing. Repeating it is harmless. */
export async function archiveInput(ctx: RunContext, processing: Processing): Promise<Processing> {
  const { remote, ledger, job } = ctx;
  if (processing.reprocessOf !== null) return archiveAgain(ctx, processing, processing.reprocessOf);
  if (processing.takenPath.startsWith(LOCAL))
    return updateProcessing(ledger, processing.id, { state: 'closed', closedAt: ctx.io.now() });
  const refused = processing.refusal?.verdict === 'refused';
  const folder = refused ? job.source.refused : job.source.archive;
  const target = `${folder}/${archiveName(processing)}`;
  await remote.ensureFolder(folder);
  let archivedAs: string = target;
  // Found there again after a restore.
  if (processing.takenPath === target) archivedAs = target;
  else if (processing.takenPath === processing.inboxPath) archivedAs = await archiveCopy(ctx, processing, target);
  else archivedAs = await moveAside(ctx, processing, target);
  // Where the partner wrote the file anew meanwhile, what lies beside it belongs to the new one.
  if (archivedAs !== '')
    await archiveCompanions(ctx, processing, folder, target.slice(`${folder}/${fittingName(processing.name)}`.length));
  ctx.crashPoint('archived');
  const account = processing.account ? { ...processing.account, archivedAs } : undefined;
  return updateProcessing(ledger, processing.id, {
    state: 'closed',
    archivedAs,
    closedAt: ctx.io.now(),
    ...(account ? { account } : {}),
  });
}

/** The input of a pass that judged old contents anew lies where the earlier pass left it; it moves only if it was refused then. */
async function archiveAgain(ctx: RunContext, processing: Processing, earlier: number): Promise<Processing> {
  const { remote, ledger, job } = ctx;
  const from = processing.takenPath;
  const folder = processing.refusal?.verdict === 'refused' ? job.source.refused : job.source.archive;
  const onRemote = from !== '' && !from.startsWith(LOCAL);
  const target = `${folder}/${from.slice(from.lastIndexOf('/') + 1)}`;
  let archivedAs = onRemote ? target : '';
  if (onRemote && target !== from) {
    await remote.ensureFolder(folder);
    archivedAs = await moveAside(ctx, processing, target);
    updateProcessing(ledger, earlier, { archivedAs });
  }
  ctx.crashPoint('archived');
  return updateProcessing(ledger, processing.id, {
    state: 'closed',
    archivedAs,
    closedAt: ctx.io.now(),
    ...(processing.account ? { account: { ...processing.account, archivedAs } } : {}),
  });
}

/** Returns where it is. */
async function moveAside(ctx: RunContext, processing: Processing, target: string): Promise<string> {
  const from = processing.takenPath;
  try {
    return await moveToFree(ctx.remote, from, target, processing);
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'FILE_VANISHED') throw error;
    ctx.io.log.warn({ file: from }, 'the taken input is gone from the processing folder; its contents are in staging');
    return target;
  }
}

/**
 * With `take: copy` the partner may have written the file anew meanwhile: it is moved only if it still has the size and time
 * it was read with, and its contents are hashed again after the move. Other contents go back as a new file. Returns where it is;
 * empty: it is not archived.
 */
async function archiveCopy(ctx: RunContext, processing: Processing, target: string): Promise<string> {
  const { remote } = ctx;
  const before = await lookBack(ctx, processing, target);
  const there = await remote.stat(processing.inboxPath);
  if (!there) return before;
  if (there.size !== processing.size || there.mtime !== processing.mtime) return '';
  const archivedAs = await moveToFree(remote, processing.inboxPath, target, processing);
  return (await isOurs(ctx, processing, archivedAs)) === false ? '' : archivedAs;
}

/** What an earlier try moved may have been interrupted before it was looked at. Returns where the input is already; else empty. */
async function lookBack(ctx: RunContext, processing: Processing, target: string): Promise<string> {
  let found = '';
  for (const place of [target, besideTarget(target, processing)])
    if (await isOurs(ctx, processing, place)) found = place;
  return found;
}

/** Whether what lies there has the contents that were processed; where it has others, it is given back. `undefined`: nothing is there. */
async function isOurs(ctx: RunContext, processing: Processing, place: string): Promise<boolean | undefined> {
  const there = await ctx.remote.stat(place);
  if (!there) return undefined;
  if ((await sha256Of(ctx, there)) === processing.rawSha256) return true;
  await giveBack(ctx, processing, place);
  return false;
}

/** Contents that nobody has read go back to the inbox; where the partner has used their name again, beside it. */
async function giveBack({ remote, job, io }: RunContext, processing: Processing, from: string): Promise<void> {
  const { inboxPath, id } = processing;
  const { dir, name, ext } = posix.parse(inboxPath);
  const beside = `${name}.p${id}${ext}`;
  io.log.warn(
    { job: job.id, file: inboxPath },
    'the file was written anew while it was being archived: that is a new file',
  );
  try {
    await remote.move(from, inboxPath);
  } catch (error) {
    if (!(error instanceof TransferError) || error.code !== 'TARGET_EXISTS') throw error;
    // Under a name that no run takes, it would be lost to all.
    if (job.source.stable.marker === undefined && matchPattern(job.source.match)(beside))
      return remote.move(from, posix.join(dir, beside));
    throw new TransferError(error.code, error.message, {
      cause: error,
      hint: `${from} holds contents that were never read, and goes back to the inbox once ${inboxPath} is taken; nothing is lost`,
    });
  }
}

async function sha256Of(ctx: RunContext, file: RemoteFile): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of ctx.remote.read(file, ctx.signal)) hash.update(chunk);
  return hash.digest('hex');
}

/** Publishes the report of a run or a day in its three forms. Returns the path of the page. */
export async function publishReport(
  ctx: RunContext,
  account: Parameters<typeof renderReport>[0],
  stem: string,
): Promise<string> {
  const folder = ctx.job.report.reports;
  const local = join(ctx.staging, 'reports');
  await mkdir(local, { recursive: true, mode: 0o700 });
  await ctx.remote.ensureFolder(folder);
  const rendered = await renderReport(account);
  let page = '';
  for (const ending of ['csv', 'json', 'html'] as const) {
    const bytes = Buffer.from(rendered[ending]);
    const path = join(local, `${stem}.${ending}`);
    await writeFile(path, bytes, { mode: 0o600 });
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    try {
      page = await ctx.remote.publish(
        `${folder}/${stem}.${ending}`,
        { path, size: bytes.length, sha256 },
        { replace: true },
      );
    } finally {
      // It is made anew where this failed.
      await rm(path, { force: true });
    }
  }
  return page;
}
