/** The nouns. This file imports nothing of the project but the nouns of accounts; every room imports it. */
import type { EventAccount, ExportAccount, PushAccount, ReasonAccount, SegmentAccount } from './accounts.ts';

/** What became of a row. Each row ends with exactly one, so files balance. */
export const OUTCOMES = ['delivered', 'duplicate', 'conflict', 'rejected', 'failed', 'held'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Ways on which each row is a request of its own, and ways on which a whole file goes. */
export type RowLane = 'events' | 'async-events' | 'links';
export type FileLane = 'sftp' | 'batch' | 'folder';
/** The way rows leave; `members`: together, as the differences that they make to a segment. */
export type Lane = RowLane | FileLane | 'members';

/** How a delivery is known. Where a whole file was sent, `eventId` names the results line, the batch or the confirmed file; of a share link it is the link. */
export interface Proof {
  kind: 'event_id' | 'person_id' | 'row_result' | 'batch_counts' | 'link' | 'confirmed' | 'imported';
  eventId: string;
  personId?: string;
}

/** What a destination answered for one row. The ledger turns answers into states. */
export type Answer =
  /** The destination's clear yes. */
  | { kind: 'accepted'; proof: Proof; http?: number }
  /** Can never succeed as written. `uniqueId` is the destination's own reference of the refusal. */
  | { kind: 'rejected'; code: string; reason: string; http?: number; uniqueId?: string }
  /** Surely not accepted; may succeed later. `afterMs`: how long the destination asked to wait. */
  | { kind: 'retryable'; code: string; reason: string; afterMs?: number; http?: number }
  /** Surely not accepted: a person has to say what is meant, and the row waits until then. */
  | { kind: 'held'; code: string; reason: string; http?: number }
  /** May or may not have been accepted. `afterMs` as above. */
  | { kind: 'unknown'; code: string; reason: string; afterMs?: number; http?: number }
  /** The destination's fault, not the row's: nothing more is sent until a person has looked. Surely not accepted, unless `doubtful`. */
  | { kind: 'halted'; code: string; reason: string; http?: number; doubtful?: true };

/** One row of an input file, on its way to a destination. Values stay strings. */
export interface EventRecord {
  line: number;
  key: string;
  eventName: string;
  /** ISO 8601 in UTC, `2026-11-20T14:03:00Z` or with milliseconds. */
  eventTime: string;
  data: Readonly<Record<string, string>>;
}

/** A claimed row about to be sent. `attemptId` never occurs twice. */
export interface Outgoing {
  event: EventRecord;
  attemptId: string;
}

/** An opened way to a destination. */
export interface Sender {
  maxBatchSize: number;
  /**
   * Sends 1 to maxBatchSize events. Calls `done` exactly once, with answers[i] for batch[i]; never throws, never
   * retries by itself. A callback, because a promise for each row costs more than the row.
   */
  send(batch: readonly Outgoing[], done: (answers: readonly Answer[]) => void): void;
  /** Waits for nothing: what is on the wire is cut and answered `unknown`. */
  close(): Promise<void>;
}

/** Who a delivery is for. The lane, the URL and the token may change without changing it. */
export interface DestinationIdentity {
  provider: string;
  account: string;
  container: string;
}

/** What may be wrong with a whole file. The file is refused; nothing of it is sent. */
export interface RefusalDetail {
  code: string;
  /** Where, what was found, what is allowed. */
  message: string;
  hint?: string;
  line?: number;
  /** Only the rows of these segments are held, each with the code for which; those of others go on. Absent: all rows of the file. */
  segments?: Readonly<Record<string, string>>;
}

/** A file that cannot be read as a whole, thrown by `parsing`. */
export class FileRefused extends Error implements RefusalDetail {
  readonly code: string;
  readonly hint?: string;
  readonly line?: number;
  constructor(detail: RefusalDetail, options?: ErrorOptions) {
    super(detail.message, options);
    this.name = 'FileRefused';
    this.code = detail.code;
    if (detail.hint !== undefined) this.hint = detail.hint;
    if (detail.line !== undefined) this.line = detail.line;
  }
}

/** A problem of a connection, a folder, the ledger or the configuration. Says where, what was found and what to do. */
export class TransferError extends Error {
  readonly code: string;
  /** Whether the same call may succeed later without anybody's help. */
  readonly retryable: boolean;
  readonly hint?: string;
  constructor(code: string, message: string, options: { retryable?: boolean; hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TransferError';
    this.code = code;
    this.retryable = options.retryable ?? false;
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

/** Something an operator should know that stopped nothing. */
export interface Notice {
  code: string;
  message: string;
}

/** Exit codes of the commands. */
export const EXIT = {
  ok: 0,
  usage: 2,
  attention: 3,
  unreachable: 4,
  internal: 70,
  ledgerUnreadable: 74,
  ledgerInUse: 75,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Structured log; the pino methods that we use. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Time, randomness, environment: everything that makes two runs differ comes in here. */
export interface Io {
  /** Milliseconds since 1970, may jump. */
  now(): number;
  /** Milliseconds, never goes back. */
  monotonic(): number;
  /** In [0, 1). */
  random(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  env: Readonly<Record<string, string | undefined>>;
  log: Log;
  /** Absent where nobody looks at what is measured. */
  meter?: Meter;
}

/** What a process that lives long measures of its sending. One call a row: nothing but a few increments may stand behind it. */
export interface Meter {
  sending(job: string, lane: Lane): SendingMeter;
}

/** One pass over a file. */
export interface SendingMeter {
  /** Milliseconds from handing a row to the sender to its answer. */
  answered(ms: number): void;
  /** Rows that were claimed, less those that were recorded. */
  claimed(rows: number): void;
  end(): void;
}

// ---- remotes ----

/** A regular file in a folder of a remote. */
export interface RemoteFile {
  /** Path on the remote, as the remote understands it. */
  path: string;
  name: string;
  size: number;
  /** Milliseconds since 1970 (whole seconds on SFTP); 0 where the server gave none. */
  mtime: number;
}

/**
 * A place with folders: an SFTP server or a local directory. Opened for one run, disposed when it ends. Paths are
 * relative to the remote's root unless they start with `/`. Every call throws `TransferError`; a lost connection is
 * re-established by the next call, and a call that is safe to repeat is repeated by the remote itself.
 */
export interface Remote extends AsyncDisposable {
  /** For people: scheme, host and root; never a secret. */
  readonly url: string;
  /** Regular files by lstat's type, oldest first, then by name. What was passed over (links, odd names) is told once each. */
  list(folder: string, signal: AbortSignal): Promise<{ files: RemoteFile[]; notices: Notice[] }>;
  /** `undefined` only where the remote says for certain that there is no such file. Never follows links. */
  stat(path: string): Promise<RemoteFile | undefined>;
  /**
   * The file's bytes in order, to its end as `file.size` says. Throws `FILE_CHANGED` (retryable) where the file is shorter or
   * longer than that, or its size or mtime differs after the read; `FILE_VANISHED` where it is gone; `SFTP_STALLED` where no byte came.
   */
  read(file: RemoteFile, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Renames; never replaces. Repeating it after a lost reply is harmless: source gone and target there is success. */
  move(from: string, to: string): Promise<void>;
  /**
   * Puts a whole file in place: hidden temporary name, flush where offered, size check, rename. Returns the path it got.
   * An existing target with the same bytes is success; one with other bytes is replaced atomically where `replace` is set
   * and the server can, else the file goes beside it as `<stem>.r2<ext>`. Never leaves the target absent or half written.
   * `direct`, for servers that let nobody rename: written under its own name, where readers may meet half of it; what is there
   * under that name is replaced. `once`, for places whose owner takes files away as they come: what may have been done is not
   * done again where the connection is lost meanwhile; throws `PUBLISH_UNCERTAIN`. A function is called right before the step that
   * makes the file visible.
   */
  publish(
    path: string,
    local: { path: string; size: number; sha256: string },
    options?: { replace?: boolean; direct?: boolean; once?: true | (() => void) },
  ): Promise<string>;
  /** Makes the folder and its parents where absent. */
  ensureFolder(folder: string): Promise<void>;
  /** Removes our own file (a temporary one, a doctor's probe). Absent is success. */
  remove(path: string): Promise<void>;
}

// ---- parsing ----

/** One record of a staged file. */
export interface InputRow {
  /** The line it starts on; the header is line 1. No two rows share one: elements on one line of a JSON array count on from it. */
  line: number;
  /** Byte offset and length of the record in the decoded UTF-8 text (`openText`), without its line end. */
  offset: number;
  length: number;
  /** values[i] belongs to columns[i]; shorter than columns where JSON lacks a key. Empty where `fault` is set. */
  values: readonly (string | undefined)[];
  /** The record cannot be read (wrong number of columns, malformed JSON line). The row is rejected, its neighbours are not. */
  fault?: { code: string; reason: string };
}

/** What is known of a file once it was read to its end. */
export interface ReadSummary {
  rows: number;
  /** Bytes of the decoded text. */
  bytes: number;
  charset: string;
  format: 'csv' | 'psv' | 'tsv' | 'json' | 'jsonl';
  /** Control totals found in a trailer, as written. */
  trailer?: Readonly<Record<string, string>>;
  /** The trailer says otherwise than the rows; only where whoever reads is told of that instead of a refusal. */
  disagreement?: RefusalDetail;
  notices: Notice[];
}

/** Rows of a staged file, in order. Throws `FileRefused` while reading when the file turns out to be broken. */
export interface RowReader {
  /** Names as the file has them, trimmed. Grows (at the end only) while JSON is read. */
  readonly columns: readonly string[];
  /** One character for csv, psv, tsv; empty for JSON. */
  readonly delimiter: string;
  /** The header record as it stands in the file; absent for JSON. */
  readonly header?: { offset: number; length: number };
  /** Batches of up to some hundred rows. */
  batches(): AsyncIterable<readonly InputRow[]>;
  /** Only after `batches()` came to its end without an error. */
  summary(): ReadSummary;
}

// ---- mapping ----

/** An exact amount: `units` are ten-thousandths of the currency's main unit. */
export interface Money {
  currency: string;
  units: bigint;
}

/** What the mapping made of a row. */
export type Mapped =
  | {
      ok: true;
      event: EventRecord;
      /** 32 hex digits over the canonical compared values. */
      contentHash: string;
      /** Rows with the same one go in file order; empty: no order. */
      orderKey: string;
      money?: Money;
      /** The event time in milliseconds since 1970. */
      eventMs: number;
      /** Who it concerns, lower-cased e-mail or partner_user_id: for finding a key shared by many people. */
      person: string;
    }
  | { ok: false; code: string; reason: string; key?: string };

// ---- accounting ----

export type Counts = Record<Outcome, number> & { read: number; open: number };

export type FileState = 'processed' | 'open' | 'held' | 'refused';

/** The account of one file in a run: read = sum of the outcomes + open. */
export interface FileAccount {
  job: string;
  processing: string;
  name: string;
  sha256: string;
  bytes: number;
  state: FileState;
  /** Why a file was refused or held as a whole. */
  refusal?: RefusalDetail;
  /** The file's contents were seen before, as this processing. */
  repeatOf?: string;
  lane?: Lane;
  proof?: Proof['kind'];
  /** The file that was sent to the destination and whose answer is waited for: rows are open, and nothing is wrong. */
  awaits?: string;
  /** Rows are open behind an earlier file that is held: they go on once a person has decided about that one. */
  waitsFor?: { processing: string; name: string };
  counts: Counts;
  byEvent: EventAccount[];
  reasons: ReasonAccount[];
  notices: Notice[];
  balanced: boolean;
  /** What does not balance, with both numbers. */
  imbalance?: string;
  resultsPath?: string;
  archivedAs?: string;
  /** Of a membership file, what it did to each of its segments. */
  segments?: SegmentAccount[];
}

export interface RunAccount {
  run: string;
  job: string;
  /** The job's time zone, for the day a report belongs to. */
  timezone: string;
  destination: DestinationIdentity;
  startedAt: string;
  endedAt: string;
  /** Rows that earlier runs left open, failed or held and that this run took up again. */
  carriedIn: number;
  files: FileAccount[];
  seen: { files: number; processed: number; held: number; refused: number; open: number };
  counts: Counts;
  balanced: boolean;
  /** Why the run stopped early: the destination cannot be used, or the source or this machine. */
  halted?: { code: string; reason: string; by?: 'destination' };
  /** It made room for other work, and the next run goes on with what is open. */
  goesOn?: true;
  /** Where a job has targets after its rows. */
  exports?: ExportAccount[];
  pushes?: PushAccount[];
  notices: Notice[];
}
