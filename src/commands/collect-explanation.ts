import { join } from 'node:path';
import { type Decision, decisionsAbout } from '../ledger/decisions.ts';
import {
  deliveriesOfKey,
  fileAndRepeats,
  type KnownAttempt,
  type KnownDelivery,
  type KnownFile,
  stagedProcessings,
} from '../ledger/explain.ts';
import { peopleWithId } from '../ledger/list-links.ts';
import { type Ledger, openLedgerForReading } from '../ledger/open.ts';
import { PARTNER_USER_ID_LIMIT } from '../mapping/customer-settings.ts';
import { checkKey } from '../mapping/key.ts';
import { keyedHash } from '../pipelines/files/context.ts';
import { findStagedRows, type StagedRow } from '../pipelines/files/staged-rows.ts';
import type { Settings } from '../settings.ts';
import { collectMemberships, type ExplainedMembership } from './collect-memberships.ts';
import { actionOf, memberFate } from './explain-member.ts';
import { isoOrNull } from './print.ts';

/** The answer of `explain --json`. Times are ISO 8601. */
export interface Explanation {
  /** In its canonical form; of a person who is known by several, the first of them. */
  key: string;
  found: boolean;
  /** Why nothing can be known, where that is so. */
  reason: string | null;
  /** What holds now in each segment that the person is in, or that a row names. */
  memberships: ExplainedMembership[];
  rows: ExplainedRow[];
}

export interface ExplainedRow {
  /** The key of the row: a person may be known by an address here and by an id there. */
  key: string;
  file: ExplainedFile;
  line: number;
  eventName: string;
  /** Of a row of a file of members: whether it wants the member in the segment or out of it. */
  action: 'add' | 'remove' | null;
  destination: { provider: string; account: string; container: string } | null;
  /** One of the six outcomes, or `open`. */
  outcome: string;
  /** Whether this row owns the key: no other row may be sent under it. */
  owns: boolean;
  code: string | null;
  reason: string | null;
  proof: string | null;
  eventId: string | null;
  personId: string | null;
  /** Extole's own reference of a refusal. */
  uniqueId: string | null;
  attempts: ExplainedAttempt[];
  /** What people decided about the row, or about its file as a whole, oldest first. */
  decisions: ExplainedDecision[];
  /** Compared with the owner of the key; null where there is no other row, or it was mapped by another definition. */
  sameContentAsOwner: boolean | null;
  /** The same contents came again as these files: nothing of them is sent. */
  repeats: ExplainedFile[];
}

export interface ExplainedFile {
  job: string;
  name: string;
  sha256: string | null;
  takenAt: string | null;
  resultsPath: string | null;
  archivedAs: string | null;
  /** Whether the staged copy is still there. */
  staged: boolean;
}

export interface ExplainedDecision {
  id: string;
  verb: string;
  by: string;
  host: string;
  reason: string;
  /** Rows that the decision was about. */
  rows: number;
  at: string | null;
}

export interface ExplainedAttempt {
  number: number;
  result: KnownAttempt['result'];
  code: string | null;
  reason: string | null;
  http: number | null;
  uniqueId: string | null;
  at: string | null;
  answeredAt: string | null;
}

/** Finds everything that the ledger and the staged files know of a key. Takes no lock. */
export async function collectExplanation(settings: Settings, given: string): Promise<Explanation> {
  const verdict = checkKey(given, 'partner_conversion_id');
  const person = checkKey(given, 'customer', { ...AS_CUSTOMER, limit: PARTNER_USER_ID_LIMIT });
  const refused = verdict.ok ? null : `no row with such a key is ever accepted (${verdict.code}): ${verdict.reason}`;
  const key = verdict.ok ? verdict.key : person.ok ? person.key : given;
  if (refused !== null && !person.ok) return { key, found: false, reason: refused, memberships: [], rows: [] };
  const ledger = await openLedgerForReading(settings.ledger);
  if (!ledger) {
    const reason = `there is no ledger yet at ${settings.ledger}: nothing has run so far`;
    return { key, found: false, reason, memberships: [], rows: [] };
  }
  try {
    const keys = new Set([key, ...(key.includes('@') ? [key.toLowerCase()] : []), ...peopleWithId(ledger, key)]);
    const { rows, memberships } = foundOfKeys(ledger, settings, [...keys]);
    const [first] = [...rows, ...memberships];
    if (!first) return { key, found: false, reason: refused, memberships, rows };
    return { key: first.key, found: true, reason: null, memberships, rows };
  } finally {
    await ledger.close();
  }
}

/** As a key of customers: the e-mail, or the company's own id. */
const AS_CUSTOMER = { unwrapExcel: false, scientific: 'accept' } as const;

/** In the order of the keys. */
function foundOfKeys(
  ledger: Ledger,
  settings: Settings,
  keys: readonly string[],
): Pick<Explanation, 'memberships' | 'rows'> {
  const hashed = keys.map((key) => ({ key, keyHash: Buffer.from(keyedHash(ledger)(key), 'hex') }));
  const hashes = hashed.map(({ keyHash }) => keyHash);
  const staged = findStagedRows(join(settings.state, 'staging'), stagedProcessings(ledger), hashes);
  const rows = hashed.flatMap(({ key, keyHash }) =>
    rowsOfKey(
      ledger,
      { key, keyHash },
      staged.filter((row) => row.keyHash.equals(keyHash)),
    ).map((row) => ({ key, ...row })),
  );
  return { memberships: collectMemberships(ledger, settings.state, keys, staged), rows };
}

function rowsOfKey(
  ledger: Ledger,
  { key, keyHash }: { key: string; keyHash: Buffer },
  staged: readonly StagedRow[],
): Omit<ExplainedRow, 'key'>[] {
  const deliveries = deliveriesOfKey(ledger, keyHash);
  const filesOf = (processing: number): KnownFile[] => fileAndRepeats(ledger, processing);
  const decided = ({ processing, line }: { processing: number; line: number }): ExplainedDecision[] =>
    decisionsAbout(ledger, processing, line).map(decisionOf);
  const owners = deliveries.filter(isOwner);
  const rows = [
    ...deliveries.map((delivery) => ({
      ...deliveredRow(delivery, owners, filesOf(delivery.processing)),
      decisions: decided(delivery),
    })),
    ...staged
      .filter((row) => !deliveries.some((each) => each.processing === row.processing && each.line === row.line))
      .map((row) => ({
        ...stagedRow(row, deliveries, staged, filesOf(row.processing)),
        ...(row.verdict === 'passed' ? memberFate(ledger, row, keyHash) : undefined),
        action: actionOf(ledger, row, key),
        decisions: decided(row),
      })),
  ];
  return rows.sort((a, b) => Number(b.owns) - Number(a.owns) || order(a, b));
}

const OWNING = new Set(['claimed', 'waiting', 'unknown', 'held', 'delivered']);
const OPEN = new Set(['claimed', 'waiting', 'unknown']);

const isOwner = (delivery: KnownDelivery): boolean => OWNING.has(delivery.state);
const outcomeOf = (delivery: KnownDelivery): string => (OPEN.has(delivery.state) ? 'open' : delivery.state);

function order(a: Pick<ExplainedRow, 'file' | 'line'>, b: Pick<ExplainedRow, 'file' | 'line'>): number {
  return (a.file.takenAt ?? '').localeCompare(b.file.takenAt ?? '') || a.line - b.line;
}

function deliveredRow(
  delivery: KnownDelivery,
  owners: readonly KnownDelivery[],
  [file, ...repeats]: readonly KnownFile[],
): Omit<ExplainedRow, 'key' | 'decisions'> {
  const owner = owners.find((each) => each.eventName === delivery.eventName && each.id !== delivery.id);
  return {
    file: fileOf(file),
    line: delivery.line,
    eventName: delivery.eventName,
    action: null,
    destination: delivery.destination,
    outcome: outcomeOf(delivery),
    owns: isOwner(delivery),
    code: delivery.code,
    reason: delivery.reason,
    proof: delivery.proof,
    eventId: delivery.eventId,
    personId: delivery.personId,
    uniqueId: delivery.uniqueId,
    attempts: delivery.attempts.map(attemptOf),
    sameContentAsOwner:
      owner === undefined || owner.definition !== delivery.definition
        ? null
        : owner.contentHash.length === 0
          ? null
          : owner.contentHash.equals(delivery.contentHash),
    repeats: repeats.map(fileOf),
  };
}

/** A row that the ledger keeps nothing of: what became of it follows from the rows that decided. */
function stagedRow(
  row: StagedRow,
  deliveries: readonly KnownDelivery[],
  staged: readonly StagedRow[],
  [file, ...repeats]: readonly KnownFile[],
): Omit<ExplainedRow, 'key' | 'action' | 'decisions'> {
  const owner = deliveries.find((each) => isOwner(each) && each.eventName === row.eventName);
  const ownStaged = staged.find((each) => owner?.processing === each.processing && owner.line === each.line);
  return {
    file: fileOf(file),
    line: row.line,
    eventName: row.eventName,
    destination: owner?.destination ?? null,
    owns: false,
    ...fateOf(row, owner, deliveries, file?.verdict ?? null),
    proof: null,
    eventId: null,
    personId: null,
    uniqueId: null,
    attempts: [],
    sameContentAsOwner: sameContent(row, ownStaged ?? owner),
    repeats: repeats.map(fileOf),
  };
}

function sameContent(row: StagedRow, owner: StagedRow | KnownDelivery | undefined): boolean | null {
  if (owner === undefined) return null;
  if (owner.contentHash.length === 0) return null;
  if (owner.contentHash.equals(row.contentHash)) return true;
  // In one file there is one definition; elsewhere unequal hashes may only mean that the job was changed in between.
  return owner.processing === row.processing ? false : null;
}

/** What becomes of the rows of a file that was held as a whole; of a released one, each row has its own fate. */
const OF_FILE: Readonly<
  Record<string, { outcome: string; code?: string; reason: string; conflicts?: boolean } | undefined>
> = {
  held: { outcome: 'held', reason: 'the file is held as a whole; this row was not sent' },
  expired: { outcome: 'rejected', code: 'EXPIRED', reason: 'the file was held for too long; this row was not sent' },
  rejected: {
    outcome: 'rejected',
    code: 'OPERATOR_REJECTED',
    reason: 'a person rejected the file; this row was not sent',
    conflicts: true,
  },
  superseded: {
    outcome: 'rejected',
    code: 'SUPERSEDED',
    reason: 'the file was processed again; this row was not sent from here',
    conflicts: true,
  },
};

/** The same judgement as in the results file. */
function fateOf(
  row: StagedRow,
  owner: KnownDelivery | undefined,
  deliveries: readonly KnownDelivery[],
  verdict: KnownFile['verdict'],
): { outcome: string; code: string | null; reason: string | null } {
  const whole = row.fileHeld === null ? undefined : OF_FILE[verdict ?? 'held'];
  if (whole && (row.verdict !== 'conflict' || whole.conflicts)) {
    // It is the whole file that is processed again.
    const inPart = row.heldInPart && verdict !== 'superseded';
    const reason = inPart ? whole.reason.replace('the file', 'the segment') : whole.reason;
    return { outcome: whole.outcome, code: whole.code ?? row.fileHeld, reason };
  }
  if (row.verdict === 'conflict') {
    const reason = `same key as line ${row.otherLine} with different content; this row was not sent`;
    return { outcome: 'conflict', code: 'CONFLICT_IN_FILE', reason };
  }
  if (row.verdict === 'duplicate') {
    const first = deliveries.find((each) => each.processing === row.processing && each.line === row.otherLine);
    if (first && (first.state === 'rejected' || first.state === 'failed' || first.state === 'conflict'))
      return { outcome: first.state, code: first.code, reason: `same as line ${row.otherLine}: ${first.reason ?? ''}` };
    return { outcome: 'duplicate', code: 'DUPLICATE_IN_FILE', reason: `same as line ${row.otherLine}` };
  }
  if (owner && owner.processing !== row.processing)
    return { outcome: 'duplicate', code: 'DUPLICATE', reason: 'the key is owned by a row with the same content' };
  return { outcome: 'open', code: null, reason: 'not sent yet' };
}

const decisionOf = ({ id, verb, by, host, reason, rows, at }: Decision): ExplainedDecision => ({
  id: `d${id}`,
  verb,
  by,
  host,
  reason,
  rows,
  at: isoOrNull(at),
});

const attemptOf = ({ claimedAt, answeredAt, ...attempt }: KnownAttempt): ExplainedAttempt => ({
  ...attempt,
  at: isoOrNull(claimedAt),
  answeredAt: isoOrNull(answeredAt),
});

function fileOf(file: KnownFile | undefined): ExplainedFile {
  if (file === undefined) throw new Error('the ledger has a row of a file that it does not know');
  const { job, name, sha256, openedAt, resultsPath, archivedAs, prunedAt } = file;
  return { job, name, sha256, takenAt: isoOrNull(openedAt), resultsPath, archivedAs, staged: prunedAt === null };
}
