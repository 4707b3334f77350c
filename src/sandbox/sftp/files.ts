import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import type { Jail } from './jail.ts';
import { denies, type Quirks } from './quirks.ts';
import { DATA_AT, dataPacket, MAX_PACKET, malformedPacket, STATUS, statusPacket, u32Of } from './wire.ts';

/** What one session needs of the server. */
export interface SessionContext {
  jail: Jail;
  quirks: Quirks;
  send(packet: Buffer): void;
  /** Resets the connection; `moved`: when so many bytes of a file went. */
  reset(moved?: number): void;
}

export interface OpenFile {
  kind: 'file';
  fd: number;
  path: string;
  /** Bytes that went either way. */
  moved: number;
  disturbed: boolean;
}

/** Answered with this status. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function deny(rule: boolean | string, path: string): void {
  if (denies(rule, path)) throw new Refusal(STATUS.denied, 'Permission denied');
}

const FLAG = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

/** `wanted`: the permissions of a file that is made, as the client has them. */
export function openFile({ jail, quirks }: SessionContext, path: string, flags: number, wanted?: number): OpenFile {
  const writes = (flags & (FLAG.write | FLAG.append)) !== 0;
  deny(writes ? quirks.denyWrite : quirks.denyRead, path);
  if (!writes && denies(quirks.failRead, path)) throw new Refusal(STATUS.failure, 'Failure');
  let mode: number = writes ? (flags & FLAG.read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  if (flags & FLAG.append) mode |= constants.O_APPEND;
  if (flags & FLAG.create) mode |= constants.O_CREAT;
  if (flags & FLAG.truncate) mode |= constants.O_TRUNC;
  if (flags & FLAG.exclusive) mode |= constants.O_EXCL;
  const place = flags & FLAG.exclusive ? jail.place(path) : jail.follow(path);
  // A fifo would block us; a folder cannot be read.
  const found = statSync(place, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) throw new Refusal(STATUS.failure, 'Failure');
  const fd = openSync(place, mode, 0o644);
  // As on a server of its own, and not by the umask of this process.
  if (found === undefined) fchmodSync(fd, quirks.fileMode ?? (wanted ?? 0o644) & 0o755);
  return { kind: 'file', fd, path, moved: 0, disturbed: false };
}

/** The answer, or undefined where none is given. */
export function readFile(
  context: SessionContext,
  id: number,
  file: OpenFile,
  offset: number,
  length: number,
): Buffer | undefined {
  const { quirks } = context;
  if (quirks.stallReads || (quirks.stallAfterBytes !== undefined && file.moved >= quirks.stallAfterBytes))
    return undefined;
  if (quirks.oversizePacket) {
    quirks.oversizePacket = false;
    return u32Of(MAX_PACKET * 2);
  }
  if (quirks.malformedPacket) {
    quirks.malformedPacket = false;
    return malformedPacket(id);
  }
  disturb(context, file);
  if (cut(context, file)) return undefined;
  const most = Math.min(length, MAX_PACKET - 1024, quirks.shortReads ?? Number.POSITIVE_INFINITY);
  const buffer = Buffer.allocUnsafe(DATA_AT + most);
  const count = readSync(file.fd, buffer, DATA_AT, most, offset);
  file.moved += count;
  return count === 0 ? statusPacket(id, STATUS.eof, 'End of file') : dataPacket(id, buffer, count);
}

/** What a partner does to a file while it is read. */
function disturb({ jail, quirks }: SessionContext, file: OpenFile): void {
  if (file.disturbed || !(quirks.shrinkWhileRead || quirks.growWhileRead)) return;
  file.disturbed = true;
  const place = jail.place(file.path);
  if (quirks.shrinkWhileRead) {
    truncateSync(place, Math.floor(fstatSync(file.fd).size / 2));
    return;
  }
  const fd = openSync(place, 'a');
  writeSync(fd, 'grown,while,read\n');
  closeSync(fd);
}

function cut({ quirks, reset }: SessionContext, file: OpenFile): boolean {
  if (quirks.disconnectAtByte === undefined || file.moved < quirks.disconnectAtByte) return false;
  quirks.disconnectAtByte = undefined;
  reset(file.moved);
  return true;
}

export function writeFile(
  context: SessionContext,
  id: number,
  file: OpenFile,
  offset: number,
  data: Buffer,
): Buffer | undefined {
  const { quirks } = context;
  if (cut(context, file)) return undefined;
  if (quirks.failWriteAfterBytes !== undefined && offset + data.length > quirks.failWriteAfterBytes) {
    throw new Refusal(STATUS.failure, 'Failure');
  }
  const limit = quirks.truncateSilently === undefined ? data.length : Math.max(0, quirks.truncateSilently - offset);
  const kept = Math.min(limit, data.length);
  for (let done = 0; done < kept; ) done += writeSync(file.fd, data, done, kept - done, offset + done);
  file.moved += data.length;
  if (typeof quirks.renameHeld === 'function') {
    quirks.renameHeld();
    quirks.renameHeld = false;
  }
  return statusPacket(id, STATUS.ok, '');
}
