import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Definition } from '../../jobs/definition.ts';
import { LINES } from '../../ledger/deliveries.ts';
import {
  compileMapping,
  isCustomers,
  isEvents,
  isMembers,
  keySettingsOf,
  requiredColumns,
} from '../../mapping/compile.ts';
import { createKeyShape, type KeyShape, roundedKeys } from '../../mapping/key-shape.ts';
import { FileRefused, type InputRow, type Mapped, type Notice } from '../../model.ts';
import { openRows } from '../../parsing/open.ts';
import { maskReason } from '../../reports/mask.ts';
import { checkChecksum, controlOf } from './companions.ts';
import { type FilePass, keyedHash, type RunContext } from './context.ts';
import { disagreementIn, heldFor, holds, readingOf } from './disagreement.ts';
import { findDuplicates, type KeyFindings } from './duplicates.ts';
import { keepHeapSmall } from './heap.ts';
import { createReasons } from './reasons.ts';
import { createRowIndex, type IndexEntry, VERDICT } from './row-index.ts';
import { stagedFile } from './staged-file.ts';

/** Bump when the index changes its shape: an older one is made again. */
const SHAPE = 3;

/** A file whose keys tell so few rows apart is not keyed by what the job says. */
const LEAST_DISTINCT = 0.5;
const LEAST_DIFFERENT_PEOPLE = 0.05;
const ROWS_TO_JUDGE_KEYS = 20;

/** What is known of a whole file; the tables are what the index points into. */
export interface Seal {
  shape: number;
  rows: number;
  candidates: number;
  rejected: number;
  codes: string[];
  eventNames: string[];
  currencies: string[];
  json: boolean;
  delimiter: string;
  header?: { offset: number; length: number };
  notices: Notice[];
  keys: KeyShape;
  /** The running number in the trailer, as written. */
  sequence?: string;
  /** Why nothing of the file, or of some of its segments, may leave until a person has looked. */
  held?: {
    code: string;
    message: string;
    hint: string;
    line?: number;
    segments?: Readonly<Record<string, string>>;
  };
}

type SealContext = Pick<RunContext, 'signal' | 'progress' | 'crashPoint' | 'keys'> & {
  ledger: Pick<RunContext['ledger'], 'hashKey'>;
};
type SealPass = Pick<FilePass, 'definition' | 'paths'> & {
  processing: { name: string; openedAt: number };
  root?: Pick<FilePass['root'], 'refusal' | 'reprocessOf' | 'rawSha256'>;
};

/** Reads the whole file and judges every row, before one of them leaves. Throws `FileRefused` where it is not whole. */
export async function sealFile(ctx: SealContext, pass: SealPass): Promise<Seal> {
  const { definition, paths, processing } = pass;
  const ready = readSeal(paths.seal);
  if (ready && existsSync(paths.index)) return ready;

  const reader = await openRows(
    stagedFile(ctx, definition, paths.input, processing.name),
    readingOf(definition),
    requiredColumns(definition.event),
    ctx.signal,
  );
  const tables = { codes: createTable(), eventNames: createTable(), currencies: createTable() };
  tables.currencies.id('');
  tables.eventNames.id('');
  // A rejected row counts under the job's event name where there is only one.
  const onlyName = definition.event.name === undefined ? 0 : tables.eventNames.id(definition.event.name);
  const hash = keyedHash(ctx.ledger);
  const index = createRowIndex(paths.index);
  // What came encrypted does not come to lie beside it in clear.
  const reasons = createReasons(paths.reasons, definition.encrypted ? maskReason : (reason) => reason);
  const mapping = { fileName: processing.name, now: processing.openedAt, hash };
  const control = controlOf(paths, definition);
  const keyShape = createKeyShape();
  const areCustomers = isCustomers(definition.event);
  const orderIsPerson = isEvents(definition.event) && definition.event.orderBy === undefined;
  let columns = 0;
  let map: (values: InputRow['values'], line: number) => Mapped = () => {
    throw new Error('a row came before its columns');
  };
  let rows = 0;
  let rejected = 0;

  const add = (row: InputRow): void => {
    rows++;
    const mapped: Mapped = row.fault ? { ok: false, ...row.fault } : map(row.values, row.line);
    const entry = mapped.ok ? candidate(row, mapped) : refused(row, mapped);
    index.add(entry);
  };
  const candidate = (row: InputRow, mapped: Extract<Mapped, { ok: true }>): IndexEntry => {
    // What a spreadsheet spoils of a customer is the id, and the key is the e-mail.
    const shaped = areCustomers ? mapped.event.data.partner_user_id : mapped.event.key;
    if (shaped !== undefined) keyShape.add(shaped);
    const orderHash = mapped.orderKey === '' ? '' : hash(mapped.orderKey);
    return {
      offset: row.offset,
      length: row.length,
      line: row.line,
      verdict: VERDICT.candidate,
      keyHash: hash(mapped.event.key),
      contentHash: mapped.contentHash,
      orderHash,
      // Unless the job orders by something else, the order key stands for the person, and a hash is saved.
      person: orderHash !== '' && orderIsPerson ? orderHash : hash(mapped.person),
      eventMs: mapped.eventMs,
      money: mapped.money?.units ?? 0n,
      currency: mapped.money ? tables.currencies.id(mapped.money.currency) : 0,
      eventName: tables.eventNames.id(mapped.event.eventName),
      code: 0,
      reasonAt: 0,
      reasonLength: 0,
    };
  };
  const refused = (row: InputRow, why: { code: string; reason: string }): IndexEntry => {
    rejected++;
    const reason = reasons.add(why.reason);
    return {
      offset: row.offset,
      length: row.length,
      line: row.line,
      verdict: VERDICT.rejected,
      keyHash: '',
      contentHash: '',
      orderHash: '',
      person: '',
      eventMs: 0,
      money: 0n,
      currency: 0,
      eventName: onlyName,
      code: tables.codes.id(why.code),
      reasonAt: reason.at,
      reasonLength: reason.length,
    };
  };

  try {
    for await (const batch of reader.batches()) {
      if (columns !== reader.columns.length) {
        map = compileMapping(definition.event, reader.columns, mapping);
        columns = reader.columns.length;
      }
      for (const row of batch) add(row);
      refuseTooManyLines(batch.at(-1)?.line ?? 0);
      if (control) for (const row of batch) control.add(row.values, reader.columns);
      ctx.signal.throwIfAborted();
      keepHeapSmall();
      ctx.progress({ file: processing.name, phase: 'checking', done: rows, total: 0, unit: 'rows' });
    }
    index.finish();
  } catch (error) {
    index.abandon();
    // Half of them is of no use, and on a full disk takes the room that the ledger needs.
    for (const half of [paths.index, paths.reasons]) rmSync(half, { force: true });
    throw error;
  } finally {
    reasons.finish();
  }
  const summary = reader.summary();
  if (summary.rows !== rows)
    throw new FileRefused({ code: 'READ_MISMATCH', message: `the reader counted ${summary.rows} rows, ${rows} came` });

  const disagreement =
    summary.disagreement ??
    (await disagreementIn(definition, () => control?.verify())) ??
    (await disagreementIn(definition, () => checkOnce(pass)));

  const codes = { duplicate: tables.codes.id('DUPLICATE_IN_FILE'), conflict: tables.codes.id('CONFLICT_IN_FILE') };
  const keys = findDuplicates(paths.index, rows, codes, definition.onConflict === 'first-wins');
  ctx.crashPoint('sealed');
  const seal: Seal = {
    shape: SHAPE,
    rows,
    candidates: rows - rejected,
    rejected,
    codes: tables.codes.names,
    eventNames: tables.eventNames.names,
    currencies: tables.currencies.names,
    json: summary.format === 'json' || summary.format === 'jsonl',
    delimiter: reader.delimiter,
    ...(reader.header ? { header: { ...reader.header } } : {}),
    notices: summary.notices,
    keys: keyShape.shape,
    ...(summary.trailer?.sequence === undefined ? {} : { sequence: summary.trailer.sequence }),
  };
  const disagrees = disagreement && heldFor(disagreement);
  const held = disagrees ?? reasonToHold(seal, keys, definition) ?? heldBefore(pass);
  if (held) seal.held = held;
  writeSeal(paths.seal, seal);
  return seal;
}

/** What is not held for its checksum was compared when it was staged, but for contents that are judged anew. */
async function checkOnce({ definition, paths, processing, root }: SealPass): Promise<void> {
  if (!holds(definition) && (root?.reprocessOf ?? null) === null) return;
  await checkChecksum(paths, definition, processing.name, root?.rawSha256 ?? undefined);
}

/** A row is known by its line, for which the ledger has so much room and no more. */
export function refuseTooManyLines(line: number): void {
  if (line < LINES) return;
  throw new FileRefused({
    code: 'TOO_MANY_LINES',
    message: `line ${line}: a file may have up to ${LINES - 1} lines`,
    hint: 'Ask the sender for several files; blank lines count as well.',
    line,
  });
}

/** A seal that is made again does not judge anew what lay beside the file then, or came before it. */
function heldBefore({ root }: SealPass): Seal['held'] {
  if (!root?.refusal || root.refusal.verdict === 'refused') return undefined;
  const { code, message, hint = '', line, segments } = root.refusal;
  return { code, message, hint, ...(line === undefined ? {} : { line }), ...(segments ? { segments } : {}) };
}

export function writeSeal(path: string, seal: Seal): void {
  writeFileSync(`${path}.part`, JSON.stringify(seal), { mode: 0o600, flush: true });
  renameSync(`${path}.part`, path);
}

export function readSeal(path: string): Seal | undefined {
  if (!existsSync(path)) return undefined;
  const seal: Seal = JSON.parse(readFileSync(path, 'utf8'));
  return seal.shape === SHAPE ? seal : undefined;
}

function reasonToHold(
  seal: Seal,
  keys: KeyFindings,
  { file: { maxRejected, sharedKey }, event }: Pick<Definition, 'file' | 'event'>,
): Seal['held'] {
  const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
  if (seal.rows > 0 && seal.rejected / seal.rows > maxRejected)
    return {
      code: 'TOO_MANY_REJECTED',
      message: `${seal.rejected} of ${seal.rows} rows (${percent(seal.rejected / seal.rows)}) are rejected, ${percent(maxRejected)} is allowed (file.maxRejected); nothing was sent`,
      hint: 'look at the rejected rows in the results file: most often the partner changed the layout, or the job maps the wrong column',
    };
  if (keys.shared.rows >= ROWS_TO_JUDGE_KEYS && keys.shared.rows / keys.candidates > sharedKey)
    return {
      code: 'KEY_SHARED',
      message: `${keys.shared.rows} of ${keys.candidates} rows (${percent(keys.shared.rows / keys.candidates)}) have a key that stands for other people too, e.g. line ${keys.shared.line}; ${percent(sharedKey)} is allowed (file.sharedKey); nothing was sent`,
      hint: 'choose another column as event.key, the id of one fact about one person: Extole merges people who share it',
      line: keys.shared.line,
    };
  const people = isMembers(event)
    ? 'members.id names the right column'
    : 'customers.email and customers.partnerUserId name the right columns';
  const customers = !isEvents(event);
  // People may come several times each, as in a list of orders.
  const least = customers ? LEAST_DIFFERENT_PEOPLE : LEAST_DISTINCT;
  if (keys.candidates >= ROWS_TO_JUDGE_KEYS && keys.distinctKeys / keys.candidates < least)
    return {
      code: 'KEY_NOT_UNIQUE',
      message: `${keys.candidates} rows have only ${keys.distinctKeys} different ${customers ? 'people' : 'keys'}; nothing was sent`,
      hint: customers
        ? `look whether ${people}; release the file if it is right`
        : 'choose a column as event.key that is different on each row',
    };
  return roundedKeys(seal.keys, event.key, keySettingsOf(event));
}

function createTable(): { names: string[]; id(name: string): number } {
  const ids = new Map<string, number>();
  const names: string[] = [];
  return {
    names,
    id: (name) => {
      const known = ids.get(name);
      if (known !== undefined) return known;
      if (names.length >= 65_535)
        throw new FileRefused({
          code: 'TOO_MANY_NAMES',
          message: 'the file has over 65,535 event names or currencies',
        });
      ids.set(name, names.length);
      names.push(name);
      return names.length - 1;
    },
  };
}
