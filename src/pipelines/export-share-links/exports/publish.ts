import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type ExportManifest, manifestName, manifestOf, manifestText } from '../../../exports/manifest.ts';
import type { ExportTarget } from '../../../jobs/export-targets.ts';
import { splitUrl } from '../../../jobs/folders.ts';
import { type ExportContents, type KnownExport, recordExport } from '../../../ledger/exports.ts';
import type { Remote } from '../../../model.ts';
import { openRemote } from '../../../remotes/open.ts';
import type { RemoteSettings } from '../../../remotes/settings.ts';
import { sweepDaily } from '../../files/sweep-remote.ts';
import type { AfterContext } from '../after-context.ts';
import { exportFolder } from './make.ts';

/**
 * Puts a planned export into its outbox: the files, then the manifest that names them as they are called there. What is in place is kept
 * in the ledger file by file, and repeating it is harmless: the same bytes under the same name are taken for ours.
 */
export async function putIntoOutbox(
  ctx: AfterContext,
  target: ExportTarget,
  to: RemoteSettings,
  planned: KnownExport,
): Promise<ExportContents> {
  const { url, inbox: outbox } = splitUrl(to.url);
  await using remote = await openRemote({ ...to, url }, ctx.io, ctx.signal, ctx.logins);
  await remote.ensureFolder(outbox);
  const local = exportFolder(ctx, planned.target);
  // Today's snapshot takes the place of an earlier one of the same name; changes that nobody has imported yet are never replaced.
  const replace = planned.kind === 'snapshot';
  const direct = target.format === 'sfmc-csv' && target.direct;
  const options = { replace, direct };
  let { contents } = planned;
  const keep = (next: ExportContents): void => {
    contents = next;
    recordExport(ctx.ledger, planned.id, { contents });
  };
  for (const [i, { name, size, sha256, as }] of contents.files.entries()) {
    ctx.signal.throwIfAborted();
    if (as !== undefined) continue;
    const path = await remote.publish(posix.join(outbox, name), { path: join(local, name), size, sha256 }, options);
    ctx.crashPoint('export-file-out');
    keep({ ...contents, files: contents.files.map((file, at) => (at === i ? { ...file, as: path } : file)) });
  }
  const { qr } = contents;
  if (qr?.folder !== undefined && qr.as === undefined) {
    const as = posix.join(outbox, qr.folder);
    await publishFolder(remote, join(local, qr.folder), as, ctx.signal);
    keep({ ...contents, qr: { ...qr, as } });
  }
  if (target.manifest && contents.manifest === undefined) {
    const manifest = Buffer.from(manifestText(manifestOfExport({ ...planned, contents })));
    const path = join(local, 'manifest.json');
    await writeFile(path, manifest, { mode: 0o600 });
    const name = manifestName(contents.files[0]?.as ?? posix.join(outbox, 'export'));
    const sha256 = createHash('sha256').update(manifest).digest('hex');
    const as = await remote.publish(name, { path, size: manifest.length, sha256 }, options);
    contents = { ...contents, manifest: { as } };
  }
  // What a process left that died is written again under the same name, but not where its ledger was lost.
  await sweepDaily({ ...ctx, remote }, `${ctx.job.id}/${planned.target}`, [outbox], () => true);
  return contents;
}

/** Image by image; those that are there already stay. */
async function publishFolder(remote: Remote, from: string, to: string, signal: AbortSignal): Promise<void> {
  await remote.ensureFolder(to);
  for (const name of (await readdir(from)).sort()) {
    signal.throwIfAborted();
    const path = join(from, name);
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await remote.publish(posix.join(to, name), { path, size: bytes.length, sha256 }, { replace: true });
  }
}

/** From what the ledger has of it, so that a manifest is the same whenever it is written. */
function manifestOfExport({ contents, madeAt, sinceAt, ...planned }: KnownExport): ExportManifest {
  const { format, kind, read, rows, bytes, leftOut } = planned;
  const files = contents.files.filter(({ role }) => role === 'rows');
  const written = {
    files: files.map((file) => ({ ...file, path: '' })),
    columns: contents.columns,
    read,
    rows,
    bytes,
    leftOut,
  };
  const facts = { format, kind, at: madeAt, ...(sinceAt === null ? {} : { since: sinceAt }), written };
  return manifestOf(
    facts,
    files.map(({ as, name }) => posix.basename(as ?? name)),
  );
}
