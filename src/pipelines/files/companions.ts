import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Definition } from '../../jobs/definition.ts';
import type { Job } from '../../jobs/schema.ts';
import { type Companion, companionsOf, planCompanion, recordArchivedCompanion } from '../../ledger/companions.ts';
import type { Ledger } from '../../ledger/open.ts';
import { getProcessing, type Processing } from '../../ledger/processings.ts';
import { FileRefused, type RemoteFile, TransferError } from '../../model.ts';
import {
  type ControlCheck,
  checksumKind,
  compareChecksum,
  controlCheck,
  LONGEST_MANIFEST,
} from '../../parsing/manifest.ts';
import { fittingName } from '../../remotes/names.ts';
import { markerFor } from '../../remotes/stable.ts';
import { type FilePass, type RunContext, type StagedPaths, stagedPaths } from './context.ts';
import { localBytes } from './local-bytes.ts';
import { moveToFree } from './move-to-free.ts';
import { copyStaged, fetchBytes, LOCAL, localFile, lostInput, stageBytes } from './stage.ts';

/** What lies in the inbox beside a file and belongs to it. */
export type Beside = Partial<Record<Companion['kind'], RemoteFile>>;

export function besideOf(
  { source }: Pick<Job, 'source'>,
  name: string,
  files: ReadonlyMap<string, RemoteFile>,
): Beside {
  const manifest = source.manifest && files.get(markerFor(name, source.manifest.name));
  // A marker that stays would vouch for the next file of that name. With `copy` we may not touch it.
  const marker =
    source.stable.marker === undefined || source.take === 'copy'
      ? undefined
      : files.get(markerFor(name, source.stable.marker));
  return { ...(manifest ? { manifest } : {}), ...(marker && marker !== manifest ? { marker } : {}) };
}

/** Plans to take a file's companions with it. Part of the transaction that plans the file. */
export function planCompanions(ctx: RunContext, processing: Processing, beside: Beside): void {
  const { ledger, job } = ctx;
  for (const kind of ['manifest', 'marker'] as const) {
    const file = beside[kind];
    if (!file) continue;
    const taken = `${job.source.processing}/${fittingName(file.name)}.${ledger.id}-${processing.id}`;
    const takenPath = job.source.take === 'copy' ? file.path : taken;
    planCompanion(ledger, { processingId: processing.id, kind, name: file.name, inboxPath: file.path, takenPath });
  }
}

/** Takes them as planned. One that is gone is missed later, where its contents are needed. */
export async function takeCompanions(ctx: RunContext, processing: Processing): Promise<void> {
  for (const { inboxPath, takenPath } of companionsOf(ctx.ledger, processing.id))
    if (takenPath !== inboxPath) await unlessGone(ctx.remote.move(inboxPath, takenPath));
}

async function unlessGone<T>(moving: Promise<T>): Promise<T | undefined> {
  try {
    return await moving;
  } catch (error) {
    if (error instanceof TransferError && (error.code === 'FILE_VANISHED' || error.code === 'NO_SUCH_FILE'))
      return undefined;
    throw error;
  }
}

/** Downloads the manifest of a taken file, where there is one. For a local file, it is looked for beside that. */
export async function fetchManifest(
  ctx: RunContext,
  processing: Processing,
  { manifest: settings }: Definition,
  target: string,
): Promise<void> {
  if (!settings || existsSync(target)) return;
  const { takenPath, name } = processing;
  const isLocal = takenPath.startsWith(LOCAL);
  const beside = `${dirname(takenPath.slice(LOCAL.length))}/${markerFor(basename(name), settings.name)}`;
  const its = companionsOf(ctx.ledger, processing.id).find(({ kind }) => kind === 'manifest');
  const there = isLocal ? await localFile(beside) : its && (await ctx.remote.stat(its.takenPath));
  if (!there) return;
  refuseLong(there);
  if (isLocal) await stageBytes(localBytes(there.path), there, target, () => {});
  else await fetchBytes(ctx, there, target);
}

/**
 * Where the manifest is that came with contents which are judged anew: a path on the remote, or a local one after `local:`. `undefined`:
 * none came.
 */
export function placeOfManifest(
  ledger: Ledger,
  processing: Processing,
  { manifest: settings }: Pick<Definition, 'manifest'>,
): string | undefined {
  if (!settings) return undefined;
  let first = processing;
  for (;;) {
    const its = companionsOf(ledger, first.id).find(({ kind }) => kind === 'manifest');
    if (its) return its.archivedAs || undefined;
    if (first.reprocessOf === null) break;
    first = getProcessing(ledger, first.reprocessOf);
  }
  if (!first.takenPath.startsWith(LOCAL)) return undefined;
  const beside = join(dirname(first.takenPath.slice(LOCAL.length)), markerFor(basename(first.name), settings.name));
  return existsSync(beside) ? LOCAL + beside : undefined;
}

/** Contents that are judged anew are judged with the manifest that came with them. Throws `FileRefused` MANIFEST_INVALID. */
export async function restageManifest(ctx: RunContext, { root, definition, paths }: FilePass): Promise<void> {
  if (root.reprocessOf === null || !definition.manifest) return;
  await copyStaged(stagedPaths(ctx.staging, root.reprocessOf).manifest, paths.manifest);
  const place = placeOfManifest(ctx.ledger, root, definition);
  if (existsSync(paths.manifest) || place === undefined) return;
  const isLocal = place.startsWith(LOCAL);
  const there = isLocal ? await localFile(place.slice(LOCAL.length)) : await ctx.remote.stat(place);
  if (!there) throw lostInput(`the manifest of ${root.name}`, place);
  refuseLong(there);
  await mkdir(paths.folder, { recursive: true, mode: 0o700 });
  if (isLocal) await stageBytes(localBytes(there.path), there, paths.manifest, () => {});
  else await fetchBytes(ctx, there, paths.manifest);
}

/** Checksums and control totals take no more. */
export function refuseLong(manifest: RemoteFile): void {
  if (manifest.size <= LONGEST_MANIFEST) return;
  throw new FileRefused({
    code: 'MANIFEST_INVALID',
    message: `the manifest ${basename(manifest.path)} has ${manifest.size} bytes; at most ${LONGEST_MANIFEST} are read`,
    hint: 'Compare source.manifest.name of the job with the names that the sender uses.',
  });
}

/**
 * Compares a staged file with the checksum of its manifest; `rawSha256` where that is known. Throws `FileRefused` MANIFEST_MISMATCH,
 * MANIFEST_INVALID.
 */
export async function checkChecksum(
  paths: Pick<StagedPaths, 'input' | 'manifest'>,
  { manifest }: Pick<Definition, 'manifest'>,
  name: string,
  rawSha256?: string,
): Promise<void> {
  const kind = manifest && checksumKind(manifest);
  if (!kind || !existsSync(paths.manifest)) return;
  const text = readFileSync(paths.manifest, 'utf8');
  const known = kind === 'sha256' ? rawSha256 : undefined;
  compareChecksum(text, kind, basename(name), known ?? (await digestOf(paths.input, kind)));
}

async function digestOf(path: string, kind: 'md5' | 'sha256'): Promise<string> {
  const hash = createHash(kind);
  for await (const chunk of localBytes(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** The control totals of a staged file, where its manifest states some. Throws `FileRefused` MANIFEST_INVALID. */
export function controlOf(
  paths: Pick<StagedPaths, 'manifest'>,
  { manifest }: Pick<Definition, 'manifest'>,
): ControlCheck | undefined {
  if (!manifest?.control || !existsSync(paths.manifest)) return undefined;
  return controlCheck(readFileSync(paths.manifest, 'utf8'), manifest.control);
}

/** Puts a file's companions beside it: `archive/x.csv.<time>.<sha8>` and `archive/x.csv.md5.<time>.<sha8>`. */
export async function archiveCompanions(
  ctx: RunContext,
  processing: Processing,
  folder: string,
  suffix: string,
): Promise<void> {
  for (const companion of companionsOf(ctx.ledger, processing.id)) {
    if (companion.archivedAs !== null) continue;
    const target = `${folder}/${fittingName(companion.name)}${suffix}`;
    const archivedAs = await unlessGone(moveToFree(ctx.remote, companion.takenPath, target, processing));
    recordArchivedCompanion(ctx.ledger, companion, archivedAs ?? '');
  }
}
