import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { openProcessing, openProcessings, updateProcessing } from '../../ledger/processings.ts';
import { isKnownProcessing, knownPlaces, noteFound, pendingRestore } from '../../ledger/restored.ts';
import { type Notice, type RemoteFile, TransferError } from '../../model.ts';
import { matchPattern } from '../../remotes/stable.ts';
import type { RunContext } from './context.ts';
import { calledBefore } from './inbox.ts';
import { stagedOrigins } from './origin.ts';
import { archiveName } from './publish.ts';
import { LOCAL } from './stage.ts';

/** Clocks are set now and then. */
const CLOCK_SLACK_MS = 120_000;

const ARCHIVED = /^(.+)\.(\d{8}T\d{6}Z)\.([0-9a-f]{8})$/s;

/**
 * After a restore, before a job does anything else: finds the inputs that were taken in the time that the ledger knows nothing of,
 * in the archive, in `processing` and (local files) in the staging, and takes them up anew. None of their rows is sent: see `recoverRows`. Can be repeated.
 */
export async function findRestored(ctx: RunContext, definitionId: () => number): Promise<Notice[]> {
  const { ledger, job, io } = ctx;
  const restore = pendingRestore(ledger, job.id);
  if (!restore) return [];
  const archived = await listOrNone(ctx, job.source.archive);
  const inWork = await listOrNone(ctx, job.source.processing);
  const refused = await listOrNone(ctx, job.source.refused);
  const matches = matchPattern(job.source.match);
  let found = 0;
  ledger.db
    .transaction(() => {
      found += followOpen(ctx, { [job.source.archive]: archived, [job.source.refused]: refused });
      const known = knownPlaces(ledger);
      for (const { file, name, openedAt } of archived.flatMap(readArchived).sort((a, b) => a.openedAt - b.openedAt)) {
        const place = `${job.source.archive}/${file.name}`;
        const called = calledBefore(job, name);
        if (called === undefined || known.has(place) || !matches(basename(called))) continue;
        if (openedAt < restore.madeAt - CLOCK_SLACK_MS) continue;
        adopt(ctx, { file, name: called, place, openedAt, definitionId: definitionId() });
        found++;
      }
      const ours = new RegExp(`^(.+)\\.${ledger.id}-\\d+$`, 's');
      for (const file of inWork) {
        const name = ours.exec(file.name)?.[1];
        const place = `${job.source.processing}/${file.name}`;
        const called = name === undefined ? undefined : calledBefore(job, name);
        if (called === undefined || known.has(place) || !matches(basename(called))) continue;
        adopt(ctx, { file, name: called, place, openedAt: io.now(), definitionId: definitionId() });
        found++;
      }
      for (const { processing, input, origin } of stagedOrigins(ctx)) {
        const place = LOCAL + input;
        if (known.has(place) || isKnownProcessing(ledger, processing)) continue;
        const { size, mtimeMs } = statSync(input);
        const file = { path: input, name: origin.name, size, mtime: Math.trunc(mtimeMs) };
        adopt(ctx, { file, name: origin.name, place, openedAt: io.now(), definitionId: definitionId() });
        found++;
      }
      noteFound(ledger, restore.id, job.id, found, io.now());
    })
    .immediate();
  ctx.crashPoint('restored-found');
  if (found === 0) return [];
  const since = new Date(restore.madeAt).toISOString();
  return [
    {
      code: 'LEDGER_RESTORED',
      message: `the ledger was restored to ${since}; ${found} file${found === 1 ? '' : 's'} of the time since were found again: what results say of their rows was taken over, the others are held`,
    },
  ];
}

/** Files that the backup knew as on their way, and that were archived or refused since: their input lies there now. */
function followOpen(ctx: RunContext, folders: Readonly<Record<string, readonly RemoteFile[]>>): number {
  const { ledger, job } = ctx;
  let moved = 0;
  for (const processing of openProcessings(ledger, job.id)) {
    const start = archiveName(processing);
    for (const [folder, files] of Object.entries(folders)) {
      const file = files.find(({ name }) => name.startsWith(start) && ARCHIVED.test(name));
      if (!file) continue;
      ledger.db
        .prepare(
          `UPDATE processings SET taken_path = ?, size = ?, mtime = ?, restored = 1,
             state = CASE WHEN state = 'taking' THEN 'taken' ELSE state END WHERE id = ?`,
        )
        .run(`${folder}/${file.name}`, file.size, file.mtime, processing.id);
      moved++;
      break;
    }
  }
  return moved;
}

function readArchived(file: RemoteFile): { file: RemoteFile; name: string; openedAt: number }[] {
  const [, name, stamp] = ARCHIVED.exec(file.name) ?? [];
  if (name === undefined || stamp === undefined) return [];
  const iso = stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const openedAt = Date.parse(iso);
  return Number.isNaN(openedAt) ? [] : [{ file, name, openedAt }];
}

interface Found {
  file: RemoteFile;
  name: string;
  place: string;
  openedAt: number;
  definitionId: number;
}

/** Opens a processing for an input where it lies; it is not moved again. */
function adopt(ctx: RunContext, { file, name, place, openedAt, definitionId }: Found): void {
  const { id } = openProcessing(ctx.ledger, {
    job: ctx.job.id,
    runId: ctx.run,
    definitionId,
    destinationId: ctx.destinationId,
    name,
    inboxPath: `${ctx.job.source.inbox}/${name}`,
    size: file.size,
    mtime: file.mtime,
    now: openedAt,
    takenPath: () => place,
  });
  updateProcessing(ctx.ledger, id, { state: 'taken', restored: 1 });
}

/** The files of a folder, oldest first; none where there is no such folder. */
export async function listOrNone(ctx: Pick<RunContext, 'remote' | 'signal'>, folder: string): Promise<RemoteFile[]> {
  try {
    return (await ctx.remote.list(folder, ctx.signal)).files;
  } catch (error) {
    if (error instanceof TransferError && error.code === 'NO_SUCH_FOLDER') return [];
    throw error;
  }
}
