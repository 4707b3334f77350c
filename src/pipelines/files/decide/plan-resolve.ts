import { parseStoredDefinition } from '../../../jobs/definition.ts';
import { deliveriesOfKey, type KnownDelivery } from '../../../ledger/explain.ts';
import { listFiles } from '../../../ledger/known-files.ts';
import { getProcessing } from '../../../ledger/processings.ts';
import { eventNameId, getDefinition } from '../../../ledger/registry.ts';
import { pickRow } from '../../../ledger/resolve.ts';
import { isMembers } from '../../../mapping/compile.ts';
import { TransferError } from '../../../model.ts';
import { keyedHash } from '../context.ts';
import { findStagedRows, type StagedRow } from '../staged-rows.ts';
import { notStaged } from './count-leaving.ts';
import type { DecisionRequest, PlanContext, Planned } from './planned.ts';

const OWNING = new Set(['claimed', 'waiting', 'unknown', 'held', 'delivered']);

/** Of rows of one file that want the same key, the one on `line` is sent. */
export function planResolve(context: PlanContext, request: DecisionRequest): Planned {
  const { ledger, staging } = context;
  const { key = '', line = 0, processingId = 0 } = request;
  const file = listFiles(ledger, { job: request.job, processing: processingId })[0];
  if (!file) throw usage(`job ${request.job} has no file p${processingId}`, 'referry held lists what is in conflict');
  if (file.refusal?.verdict === 'held')
    throw usage(
      `${file.name} is held as a whole: ${file.refusal.code}`,
      `first referry release p${processingId} --reason TEXT, or referry reject p${processingId} --reason TEXT`,
    );
  if (file.state !== 'closed')
    throw usage(`${file.name} is not through yet`, `referry run ${file.job}, then this again`);

  const { definitionId } = getProcessing(ledger, processingId);
  if (isMembers(parseStoredDefinition(getDefinition(ledger, definitionId).body).event))
    throw usage(
      `${file.name} says who is in a segment, and its rows leave together: one of them cannot be picked`,
      'have a later file say which of them holds; this conflict is listed until the staged copy of the file goes (retention.days)',
    );
  const keyHash = Buffer.from(keyedHash(ledger)(key), 'hex');
  const known = deliveriesOfKey(ledger, keyHash);
  const mine = known.filter((row) => row.processing === processingId);
  const staged = findStagedRows(staging, [{ processing: processingId }], [keyHash]);
  const picked = staged.find((row) => row.line === line);
  if (!picked) {
    if (staged.length === 0 && file.prunedAt !== null) throw notStaged(processingId, file.name);
    throw usage(`line ${line} of ${file.name} does not have the key ${key}`, linesHint(staged));
  }
  const rows = staged.filter((row) => row.eventName === picked.eventName && isOfConflict(row, mine));
  const own = mine.find((row) => row.line === line);
  if (own && own.state !== 'conflict') return nothing(`line ${line} was decided before: it is ${stateWord(own.state)}`);
  if (!rows.includes(picked))
    throw usage(`line ${line} of ${file.name} is not in conflict`, linesHint(rows.length > 0 ? rows : staged));
  const owner = known.find((row) => OWNING.has(row.state) && row.eventName === picked.eventName);
  if (owner) throw taken(context, key, owner, { job: file.job, own });

  return {
    rows: 1,
    files: [{ processing: processingId, name: file.name, rows: 1, because: `line ${line} of ${lines(rows)}` }],
    about: rows.map((row) => ({ processingId, line: row.line })),
    apply: (now) => {
      const eventName = eventNameId(ledger, file.destinationId, picked.eventName);
      pickRow(ledger.db, { processingId, eventNameId: eventName, key, keyHash, rows }, line, now);
      return new Map([[processingId, (prior) => prior.line === line]]);
    },
  };
}

/** In conflict with a row of its own file, or with one of another file. */
function isOfConflict(row: StagedRow, mine: readonly KnownDelivery[]): boolean {
  const own = mine.find(({ line }) => line === row.line);
  return own ? own.state === 'conflict' : row.verdict === 'conflict';
}

/** A key is never sent twice: what a person can do depends on where its owner stands. */
function taken(
  { ledger }: PlanContext,
  key: string,
  owner: KnownDelivery,
  { job, own }: { job: string; own: KnownDelivery | undefined },
): TransferError {
  const name = ledger.db
    .prepare<[number], { name: string }>('SELECT name FROM processings WHERE id = ?')
    .get(owner.processing)?.name;
  const place = `line ${owner.line} of ${name ?? ''} (p${owner.processing})`;
  if (owner.state === 'delivered')
    return usage(
      `the key ${key} was delivered, as ${place}; a key is never sent twice`,
      // Of a conflict within the file only the file says: nothing is in the ledger that could be rejected.
      `if that row is wrong, correct it at Extole, or have the sender send the right one under a new key${own ? `; to end this conflict: referry reject p${own.processing} --line ${own.line} --reason TEXT` : ''}`,
    );
  if (owner.state === 'held')
    return usage(
      `the key ${key} belongs to ${place}, which is held`,
      `decide about that row first: referry reject p${owner.processing} --line ${owner.line} --reason TEXT frees the key, referry release p${owner.processing} --line ${owner.line} --reason TEXT sends it`,
    );
  return usage(`the key ${key} belongs to ${place}, which is on its way`, `referry retry ${job}, then this again`);
}

const stateWord = (state: string): string =>
  state === 'waiting' || state === 'unknown' ? 'waiting to be sent' : state;

const lines = (rows: readonly StagedRow[]): string =>
  rows.length === 1 ? 'one line' : `lines ${rows.map(({ line }) => line).join(', ')}`;

const linesHint = (rows: readonly StagedRow[]): string =>
  rows.length === 0 ? 'referry held lists what is in conflict' : `the key is on ${lines(rows)}`;

const nothing = (why: string): Planned => ({ rows: 0, files: [], nothing: why, about: [], apply: () => new Map() });

function usage(message: string, hint: string): TransferError {
  return new TransferError('USAGE', message, { hint });
}
