import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseStoredDefinition } from '../../jobs/definition.ts';
import { listFiles } from '../../ledger/known-files.ts';
import type { KnownLink } from '../../ledger/links.ts';
import { getProcessing } from '../../ledger/processings.ts';
import { getDefinition } from '../../ledger/registry.ts';
import { openTextShelf, type TextShelf } from '../../ledger/text-shelf.ts';
import { foldName } from '../../mapping/columns.ts';
import { requiredColumns } from '../../mapping/compile.ts';
import { FileRefused, TransferError } from '../../model.ts';
import { openRows } from '../../parsing/open.ts';
import { stagedPaths } from '../files/context.ts';
import { mapperFor } from '../files/mapper.ts';
import { stagedFile } from '../files/staged-file.ts';
import type { AfterRun } from './after-context.ts';

/** Further columns of customers. They are in no ledger, only in the customer files for as long as those are kept. */
export interface CustomerColumns extends AsyncDisposable {
  /** Reads the files, once. Needed before `of` where any column is wanted. */
  ready(): Promise<void>;
  /** What the newest file with the person says; empty where none has the person any more. */
  of(link: Pick<KnownLink, 'email' | 'partnerUserId'>): Readonly<Record<string, string>>;
}

const NOTHING: Readonly<Record<string, string>> = {};

type Reading = Pick<AfterRun, 'ledger' | 'staging' | 'keys' | 'io' | 'signal'> & {
  job: Pick<AfterRun['job'], 'id' | 'customers'>;
};

/** `names`: columns that texts name, as the job calls them. Nothing is read before it is asked for. */
export function customerColumns(ctx: Reading, names: readonly string[]): CustomerColumns {
  const called = ctx.job.customers.columns;
  const wanted = Object.fromEntries([...new Set(names)].map((name) => [name, called[name] ?? name]));
  let shelf: TextShelf | undefined;
  return {
    async ready() {
      if (names.length === 0 || shelf !== undefined) return;
      await mkdir(join(ctx.staging, 'exports'), { recursive: true, mode: 0o700 });
      shelf = openTextShelf(join(ctx.staging, 'exports', `${ctx.job.id}.columns`));
      for (const { processing, name } of listFiles(ctx.ledger, { job: ctx.job.id })) {
        try {
          await readFile(ctx, { processing, name, wanted, shelf });
        } catch (error) {
          // Its own run has said what is wrong with it.
          if (!(error instanceof FileRefused) && !(error instanceof TransferError)) throw error;
        }
      }
    },
    of({ email, partnerUserId }) {
      const text = (email && shelf?.get(byEmail(email))) || (partnerUserId && shelf?.get(byId(partnerUserId)));
      return text ? JSON.parse(text) : NOTHING;
    },
    async [Symbol.asyncDispose]() {
      shelf?.close();
    },
  };
}

const byEmail = (email: string): string => `e ${email}`;
const byId = (id: string): string => `i ${id}`;

function has(columns: readonly string[], wanted: Readonly<Record<string, string>>): boolean {
  const there = new Set(columns.map(foldName));
  return Object.values(wanted).some((column) => there.has(foldName(column)));
}

/** A staged customer file, as it was mapped when it was taken, but for the columns. */
async function readFile(
  ctx: Reading,
  file: { processing: number; name: string; wanted: Readonly<Record<string, string>>; shelf: TextShelf },
): Promise<void> {
  const { processing, name, wanted, shelf } = file;
  const { input } = stagedPaths(ctx.staging, processing);
  const { definitionId, openedAt, repeatOf } = getProcessing(ctx.ledger, processing);
  if (repeatOf !== null || !existsSync(input)) return;
  const definition = parseStoredDefinition(getDefinition(ctx.ledger, definitionId).body);
  if (!('customers' in definition.event)) return;
  const reader = await openRows(
    stagedFile({ keys: ctx.keys }, definition, input, name),
    definition.file,
    requiredColumns(definition.event),
    ctx.signal,
  );
  // A file of lines says its columns at once; where none of them is wanted, it need not be read.
  if (reader.delimiter !== '' && !has(reader.columns, wanted)) return;
  const settings = { ...definition.event, columns: wanted };
  const mapper = mapperFor(settings, { fileName: name, now: openedAt });
  for await (const batch of reader.batches()) {
    ctx.signal.throwIfAborted();
    const map = mapper(reader.columns);
    const texts: [string, string][] = [];
    for (const row of batch) {
      const mapped = row.fault ? undefined : map(row.values, row.line);
      if (!mapped?.ok) continue;
      const { email, partner_user_id: id, ...columns } = mapped.event.data;
      const text = JSON.stringify(columns);
      if (email !== undefined) texts.push([byEmail(email.toLowerCase()), text]);
      if (id !== undefined) texts.push([byId(id), text]);
    }
    shelf.put(texts);
    await ctx.io.sleep(0);
  }
}
