import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';

/** Members are kept apart in so many parts: whoever compares two memberships holds one part of each, whatever their size. */
export const PARTS = 256;

/** A part's buffer begins so small, for the many segments that have few members, and is written out when it has `chunk` bytes. */
const FIRST_BYTES = 256;
const CHUNK_BYTES = 32 * 1024;
/** No id is longer; each character takes up to three bytes. */
const LONGEST = 1024;

/** The part that a member belongs to, from its characters alone: the same on every machine, in every version. FNV-1a. */
export function partOf(member: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < member.length; i++) hash = Math.imul(hash ^ member.charCodeAt(i), 0x01000193);
  return ((hash >>> 24) ^ (hash >>> 16) ^ (hash >>> 8) ^ hash) & (PARTS - 1);
}

/** Members in any order, with repetitions, that are to be had again part by part. Memory is bounded: what is more lies on disk. */
export interface MemberSpool {
  /** How often `add` was called. */
  readonly added: number;
  /** An id of up to 1,024 characters, without line ends. */
  add(member: string): void;
  /** The members of one part, each once, in the order in which they came first. May be asked for again. */
  part(number: number): Set<string>;
  /** Its file has no name, and is gone with it, or with the process. */
  close(): void;
}

/** `path`: where there is room for all of them; what is there goes. `chunk`: bytes that a part keeps in memory. */
export function createMemberSpool(path: string, chunk = CHUNK_BYTES): MemberSpool {
  const buffers: (Buffer | undefined)[] = new Array(PARTS).fill(undefined);
  const used = new Uint32Array(PARTS);
  const written: { at: number; bytes: number }[][] = Array.from({ length: PARTS }, () => []);
  let fd: number | undefined;
  let end = 0;
  let added = 0;

  const open = (): number => {
    // A process that died right here has left one of its own.
    rmSync(path, { force: true });
    fd = openSync(path, 'wx+', 0o600);
    rmSync(path);
    return fd;
  };

  const flush = (number: number, buffer: Buffer): void => {
    const bytes = used[number] ?? 0;
    let done = 0;
    while (done < bytes) done += writeSync(fd ?? open(), buffer, done, bytes - done, end + done);
    written[number]?.push({ at: end, bytes });
    end += bytes;
    used[number] = 0;
  };

  /** The part's buffer with room for `bytes` more. */
  const roomFor = (number: number, bytes: number): Buffer => {
    const old = buffers[number];
    const fill = used[number] ?? 0;
    if (old && fill + bytes <= old.length) return old;
    if (old && fill + bytes > chunk && fill > 0) flush(number, old);
    const kept = used[number] ?? 0;
    if (old && kept + bytes <= old.length) return old;
    const size = Math.max(FIRST_BYTES, kept + bytes, Math.min(chunk, (old?.length ?? 0) * 4));
    const next = Buffer.allocUnsafeSlow(size);
    old?.copy(next, 0, 0, kept);
    buffers[number] = next;
    return next;
  };

  return {
    get added() {
      return added;
    },
    add: (member) => {
      if (member.length > LONGEST) throw new RangeError(`a member's id has ${member.length} characters`);
      added++;
      const number = partOf(member);
      const buffer = roomFor(number, member.length * 3 + 1);
      const at = used[number] ?? 0;
      const bytes = buffer.write(member, at, 'utf8');
      buffer[at + bytes] = LINE_END;
      used[number] = at + bytes + 1;
    },
    part: (number) => {
      const members = new Set<string>();
      const pieces = written[number] ?? [];
      const there = used[number] ?? 0;
      const bytes = pieces.reduce((sum, piece) => sum + piece.bytes, there);
      if (bytes === 0) return members;
      const whole = Buffer.allocUnsafeSlow(bytes);
      let at = 0;
      for (const piece of pieces) {
        readFully(fd ?? open(), whole, at, piece);
        at += piece.bytes;
      }
      buffers[number]?.copy(whole, at, 0, there);
      for (const member of linesOf(whole.toString('utf8'))) members.add(member);
      return members;
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      buffers.fill(undefined);
      used.fill(0);
      for (const pieces of written) pieces.length = 0;
    },
  };
}

const LINE_END = 10;

/** Lines, each with its end. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  lines.pop();
  return lines;
}

function readFully(fd: number, into: Buffer, start: number, { at, bytes }: { at: number; bytes: number }): void {
  let done = 0;
  while (done < bytes) {
    const read = readSync(fd, into, start + done, bytes - done, at + done);
    if (read === 0) throw new Error('the spool of members is shorter than what was written to it');
    done += read;
  }
}
