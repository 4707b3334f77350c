import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Claim, DeliveryBook, Settled } from '../../../ledger/deliveries.ts';
import { claimForUpload, linesOfUpload, unansweredRows } from '../../../ledger/upload-rows.ts';
import { type Upload, updateUpload } from '../../../ledger/uploads.ts';
import type { FilePass, RunContext } from '../context.ts';
import { keepHeapSmall } from '../heap.ts';
import { contentComparer, lostToOwner } from '../ownership.ts';
import { resendRule, whyNotAgain } from '../resend-rule.ts';
import type { Seal } from '../seal.ts';
import { stagingProblem } from '../stage.ts';
import { isDoubtful } from '../which-rows.ts';
import { cellsOf, isWritable, lineOf, whyNot } from './dialect.ts';
import { uploadedAs } from './event-names.ts';
import { type CandidateRow, candidateRows } from './rows.ts';
import { whoWaits } from './waits.ts';

/** Rows that share a commit. */
const BATCH = 2000;

/** Where the file lies until it is answered. */
export const uploadPath = (pass: FilePass, upload: Upload): string => join(pass.paths.folder, `upload.${upload.part}`);

/**
 * Claims the rows of an upload and writes its file, batch by batch. Rows that were claimed for it before a crash are written
 * again; so the file is the same whenever it is made.
 */
export async function writeUpload(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  book: DeliveryBook,
  upload: Upload,
  retryOnly: boolean,
): Promise<Upload> {
  const path = uploadPath(pass, upload);
  const writer = await createWriter(`${path}.part`);
  try {
    const { quotes } = ctx.job.destination.extole.upload;
    writer.add(lineOf(upload.columns, upload.format, quotes));
    await claimRows(ctx, pass, seal, book, upload, retryOnly, writer);
    const { bytes, sha256, rows } = await writer.finish();
    const { claimed } = unansweredRows(ctx.ledger, upload);
    if (rows !== claimed) throw new Error(`${upload.name} has ${rows} rows, but ${claimed} were claimed for it`);
    await rename(`${path}.part`, path);
    if (rows === 0) {
      await rm(path, { force: true });
      return updateUpload(ctx.ledger, upload.id, { state: 'empty', endedAt: ctx.io.now() });
    }
    if (upload.sha256 !== '' && upload.sha256 !== sha256)
      throw new Error(`${upload.name} was made again and is not the same`);
    const state = upload.state === 'claiming' ? 'planned' : upload.state;
    return updateUpload(ctx.ledger, upload.id, { state, rows, bytes, sha256 });
  } catch (error) {
    throw stagingProblem(error, pass.paths.folder);
  } finally {
    await writer.close();
  }
}

/** The whole file of an upload that is planned; made again where it is gone or damaged. */
export async function wholeFile(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  book: DeliveryBook,
  upload: Upload,
): Promise<string> {
  const path = uploadPath(pass, upload);
  if (existsSync(path) && (await sha256Of(path)) === upload.sha256) return path;
  await writeUpload(ctx, pass, seal, book, upload, true);
  return path;
}

async function claimRows(
  ctx: RunContext,
  pass: FilePass,
  seal: Seal,
  book: DeliveryBook,
  upload: Upload,
  retryOnly: boolean,
  writer: Writer,
): Promise<void> {
  const { processing, definition } = pass;
  const { quotes } = ctx.job.destination.extole.upload;
  const fixed = {
    keyField: definition.destination.keyField,
    container: ctx.destination.identity.container,
    eventName: uploadedAs(definition),
  };
  const resend = resendRule(ctx);
  const waits = whoWaits(ctx, processing);
  let columns: readonly string[] = [];
  const sameContent = contentComparer(ctx, pass, () => columns);
  const known = new Set(upload.columns);
  let settled: Settled[] = [];
  let waiting: { row: CandidateRow; claimed: boolean }[] = [];
  let done = 0;

  /** Why a row may not go, though it is due. */
  const obstacle = (row: CandidateRow): Settled | undefined => {
    const { event, claim, prior } = row;
    if (prior?.state === 'unknown' && !resend(event))
      return { claim, state: 'held', code: 'UNKNOWN_DELIVERY', reason: whyNotAgain(prior) };
    if (waits(row)) {
      const reason = 'an earlier row of the same person failed, or has no answer yet; this one goes after it';
      // A released row that may have been accepted never counts as unsent: it is held again, and keeps its key.
      return isDoubtful(prior)
        ? { claim, state: 'held', code: 'UNKNOWN_DELIVERY', reason }
        : { claim, state: 'failed', code: 'WAITS_FOR_EARLIER', reason };
    }
    const reason = whyNotWritable(event.data, cellsOf(event, upload.columns, fixed));
    if (reason === undefined) return undefined;
    return isDoubtful(prior)
      ? { claim, state: 'held', code: 'UNKNOWN_DELIVERY', reason }
      : { claim, state: 'rejected', code: 'NOT_WRITABLE', reason };
  };

  const whyNotWritable = (data: Readonly<Record<string, string>>, cells: readonly string[]): string | undefined => {
    const nameless = Object.keys(data).find((name) => !known.has(name));
    if (nameless !== undefined) return `field "${nameless}": its name cannot be a column of an uploaded file`;
    const at = cells.findIndex((cell) => !isWritable(cell, upload.format, quotes));
    return at < 0 ? undefined : whyNot(upload.columns[at] ?? '', cells[at] ?? '', upload.format, quotes);
  };

  const flush = async (): Promise<void> => {
    const rows = waiting;
    waiting = [];
    const claims: Claim[] = rows.filter(({ claimed }) => !claimed).map(({ row }) => row.claim);
    const ends = settled;
    settled = [];
    const results = claimForUpload(ctx.ledger, book, upload, ends, claims, ctx.io.now());
    ctx.crashPoint('committed');
    let next = 0;
    for (const { row, claimed } of rows) {
      const result = claimed ? undefined : results[next++];
      if (result?.kind === 'owned') {
        const lost = lostToOwner(row.claim, result.owner, sameContent(row, result.owner), processing.id);
        if (lost) settled.push(lost);
      } else writer.add(lineOf(cellsOf(row.event, upload.columns, fixed), upload.format, quotes));
    }
    await writer.flush();
    keepHeapSmall();
  };

  for await (const batch of candidateRows(ctx, pass, seal, book, retryOnly)) {
    columns = batch.columns;
    const mine = linesOfUpload(ctx.ledger, upload, batch.first, batch.last);
    for (const row of batch.rows) {
      done++;
      if (mine.has(row.claim.line)) waiting.push({ row, claimed: true });
      else if (upload.state === 'claiming' && row.due) {
        const why = obstacle(row);
        if (why) settled.push(why);
        else waiting.push({ row, claimed: false });
      }
    }
    if (waiting.length + settled.length >= BATCH) await flush();
    ctx.signal.throwIfAborted();
    ctx.progress({ file: processing.name, phase: 'sending', done, total: seal.candidates, unit: 'rows' });
  }
  await flush();
  if (settled.length > 0) book.commit([], settled, [], ctx.io.now());
}

interface Writer {
  add(line: string): void;
  flush(): Promise<void>;
  /** Flushes to the disk. `rows` counts lines but the header's. */
  finish(): Promise<{ bytes: number; sha256: string; rows: number }>;
  close(): Promise<void>;
}

async function createWriter(path: string): Promise<Writer> {
  const handle = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  let lines: string[] = [];
  let rows = -1;
  let bytes = 0;
  let closed = false;
  const flush = async (): Promise<void> => {
    const chunk = Buffer.from(lines.join(''));
    lines = [];
    hash.update(chunk);
    bytes += chunk.length;
    await writeAll(handle, chunk);
  };
  return {
    add: (line) => {
      rows++;
      lines.push(line);
    },
    flush,
    finish: async () => {
      await flush();
      await handle.sync();
      return { bytes, sha256: hash.digest('hex'), rows };
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await handle.close();
    },
  };
}

async function writeAll(handle: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
