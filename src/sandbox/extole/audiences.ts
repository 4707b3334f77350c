import type { Io } from '../../model.ts';
import type { KeptList } from '../kept-lists.ts';
import { type FileRows, type RowFormat, readRows, UnreadableFile } from './dialect.ts';
import { errorReply, type Reply } from './errors.ts';
import type { FileAssets } from './files.ts';

/** How audiences of the account go; switch while it runs. */
export interface AudienceBehaviour {
  /** Until an operation is done; it is looked at in between. */
  operationMs: number;
  /** The error code with which an operation ends, before anything was changed; `undefined` leaves it to the rules. */
  fails: (type: AudienceChange) => string | undefined;
  /** Members that are not processed, without a word which. */
  skips: (identity: string) => boolean;
  /** Members that are counted as processed, and are none afterwards. */
  loses: (identity: string) => boolean;
  /** The columns of a member list that is downloaded. */
  columns: readonly string[];
}

const AUDIENCE_DEFAULTS: AudienceBehaviour = {
  operationMs: 0,
  fails: () => undefined,
  skips: () => false,
  loses: () => false,
  columns: ['person_id', 'email', 'partner_user_id'],
};

export type AudienceChange = 'ADD' | 'REMOVE' | 'REPLACE';

export interface StoredAudience {
  id: string;
  name: string;
  /** By e-mail in lower case, else by partner_user_id. */
  members: ReadonlySet<string>;
}

export interface Operation {
  id: string;
  audienceId: string;
  type: AudienceChange;
  tags: readonly string[];
  dataSource: object;
  createdAt: number;
  file: FileRows;
  /** `read`: distinct members that its rows name. */
  end?: { state: 'READY' | 'FAILED'; errorCode: string; members: number; nonProcessed: number; read: number };
}

export interface Audiences {
  all(): readonly StoredAudience[];
  get(id: string): StoredAudience | undefined;
  make(name: string): StoredAudience;
  /** Puts back what was kept from an earlier start. */
  restore(kept: readonly KeptList[]): void;
  /** One member; whether that changed anything. */
  set(audienceId: string, identity: string, isMember: boolean): boolean;
  operations(audienceId: string): readonly Operation[];
  start(
    audienceId: string,
    request: Pick<Operation, 'type' | 'tags' | 'dataSource'>,
    source: Source,
  ): Operation | Reply;
  /** A file of Extole's folders, done at once; why it is not activated, where it is not. */
  applyFile(audienceId: string, type: AudienceChange, file: FileRows): string | undefined;
  behaviour: AudienceBehaviour;
}

/** Where the members of an operation come from. */
export type Source = { fileAssetId: string } | { members: readonly string[] };

const EMAIL = /^[^\s@,;<>"]+@[^\s@,;<>"]+\.[^\s@,;<>"]+$/;
const IDENTITY = ['email', 'partner_user_id'];
const COUNTS_DIFFER = 'MEMBERS_COUNT_VALIDATION_RETRIES_EXHAUSTED';

/** Audiences and their operations, of which an audience has one at a time. */
export function createAudiences(io: Io, files: FileAssets, given: Partial<AudienceBehaviour> = {}): Audiences {
  const behaviour: AudienceBehaviour = { ...AUDIENCE_DEFAULTS, ...given };
  const audiences = new Map<string, { id: string; name: string; members: Set<string> }>();
  const operations: Operation[] = [];

  /** Ends what is due. */
  function catchUp(): void {
    for (const operation of operations) {
      if (operation.end || io.monotonic() < operation.createdAt + behaviour.operationMs) continue;
      operation.end = done(operation);
    }
  }

  function done({ audienceId, type, file }: Operation): NonNullable<Operation['end']> {
    const audience = audiences.get(audienceId);
    const failure = behaviour.fails(type);
    const { identities, bad } = identitiesIn(file, behaviour.skips);
    const failed = { state: 'FAILED', members: 0, nonProcessed: 0, read: identities.size } as const;
    if (!audience) return { ...failed, errorCode: 'AUDIENCE_NOT_FOUND' };
    if (failure !== undefined) return { ...failed, errorCode: failure };
    if (!file.columns.some((name) => IDENTITY.includes(name)))
      return { ...failed, errorCode: 'COLUMN_CONFIGURATION_ERROR' };
    if (type === 'REPLACE' && identities.size !== file.rows.length) return { ...failed, errorCode: COUNTS_DIFFER };
    if (type === 'REPLACE') audience.members = new Set();
    for (const identity of identities) {
      if (type === 'REMOVE') audience.members.delete(identity);
      else if (!behaviour.loses(identity)) audience.members.add(identity);
    }
    return { state: 'READY', errorCode: '', members: audience.members.size, nonProcessed: bad, read: identities.size };
  }

  function rowsOf(source: Source): FileRows | Reply {
    if ('members' in source)
      return { columns: ['email'], rows: source.members.map((one, i) => ({ number: i + 1, values: [one] })) };
    const opened = files.open(source.fileAssetId);
    if ('status' in opened)
      return errorReply('modification_audience_operation_file_asset_data_source_file_asset_not_found');
    const rows = readable(opened.text, opened.asset.format);
    if (!rows)
      return errorReply('modification_audience_operation_file_asset_data_source_unsupported_file_asset_format');
    if (rows.rows.length === 0)
      return errorReply('modification_audience_operation_file_asset_data_source_empty_file_asset');
    return rows;
  }

  return {
    behaviour,
    all() {
      catchUp();
      return [...audiences.values()];
    },
    get(id) {
      catchUp();
      return audiences.get(id);
    },
    make(name) {
      const audience = { id: `7465${3_000_000 + audiences.size}`, name, members: new Set<string>() };
      audiences.set(audience.id, audience);
      return audience;
    },
    restore(kept) {
      for (const { id, name, members } of kept) audiences.set(id, { id, name, members: new Set(members) });
    },
    set(id, identity, isMember) {
      const members = audiences.get(id)?.members;
      if (!members || members.has(identity) === isMember) return false;
      if (isMember) members.add(identity);
      else members.delete(identity);
      return true;
    },
    operations(audienceId) {
      catchUp();
      return operations.filter((one) => one.audienceId === audienceId);
    },
    start(audienceId, request, source) {
      catchUp();
      if (operations.some((one) => one.audienceId === audienceId && !one.end))
        return errorReply('audience_operation_another_operation_in_progress');
      const file = rowsOf(source);
      if ('status' in file) return file;
      const id = `74654${1_000_000 + operations.length}`;
      const operation: Operation = { id, audienceId, ...request, createdAt: io.monotonic(), file };
      operations.push(operation);
      return operation;
    },
    applyFile(audienceId, type, file) {
      const end = done({ id: '', audienceId, type, tags: [], dataSource: {}, createdAt: 0, file });
      switch (end.errorCode) {
        case '':
          return undefined;
        case 'AUDIENCE_NOT_FOUND':
          return `Audience ${audienceId} was not found`;
        case COUNTS_DIFFER:
          return `Audience members count ${end.read} does not match the expected number of members ${file.rows.length}`;
        default:
          return `Audience modification failed: ${end.errorCode}`;
      }
    },
  };
}

function readable(text: string, format: RowFormat): FileRows | undefined {
  try {
    return readRows(text, format, 'backslash');
  } catch (error) {
    if (error instanceof UnreadableFile) return undefined;
    throw error;
  }
}

/** Those that can be made sense of, and how many rows cannot. */
function identitiesIn(
  { columns, rows }: FileRows,
  skips: (identity: string) => boolean,
): { identities: Set<string>; bad: number } {
  const identities = new Set<string>();
  let bad = 0;
  const column = IDENTITY.find((name) => columns.includes(name)) ?? '';
  for (const { values, fault } of rows) {
    const value = values[columns.indexOf(column)]?.trim() ?? '';
    const identity = column === 'email' ? value.toLowerCase() : value;
    const good = fault === undefined && (column === 'email' ? EMAIL.test(identity) : identity !== '');
    if (good && !skips(identity)) identities.add(identity);
    else bad += 1;
  }
  return { identities, bad };
}
