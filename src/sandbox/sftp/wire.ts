import type { Stats } from 'node:fs';

/**
 * SFTP version 3 on the wire. The server of ssh2 cannot announce extensions (posix-rename, fsync, limits), and without
 * them it would be unlike the servers people have. Paths are kept as latin1 text: one character a byte, whatever bytes.
 */
export const REQUEST = {
  init: 1,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fstat: 8,
  setstat: 9,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  rename: 18,
  readlink: 19,
  extended: 200,
} as const;

export const STATUS = { ok: 0, eof: 1, noSuchFile: 2, denied: 3, failure: 4, badMessage: 5, unsupported: 8 } as const;

const ANSWER = { version: 2, status: 101, handle: 102, data: 103, name: 104, attrs: 105, extended: 201 } as const;

/** The largest packet that we take, as OpenSSH. */
export const MAX_PACKET = 256 * 1024;

/** Gives whole packets, without their length, from chunks of any size. False: the other side does not speak SFTP. */
export function createPacketReader(onPacket: (packet: Buffer) => void): (chunk: Buffer) => boolean {
  let chunks: Buffer[] = [];
  let held = 0;
  return (chunk) => {
    chunks.push(chunk);
    held += chunk.length;
    for (;;) {
      if (held < 4) return true;
      let first = chunks[0] ?? Buffer.alloc(0);
      if (first.length < 4) {
        first = Buffer.concat(chunks, held);
        chunks = [first];
      }
      const length = first.readUInt32BE(0);
      if (length < 1 || length > MAX_PACKET) return false;
      if (held < 4 + length) return true;
      const all = chunks.length === 1 ? first : Buffer.concat(chunks, held);
      const rest = all.subarray(4 + length);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      onPacket(all.subarray(4, 4 + length));
    }
  };
}

/** Reads the fields of a packet in order; throws RangeError where it is too short. */
export function fieldsOf(packet: Buffer, start: number) {
  let at = start;
  const bytes = (): Buffer => {
    const length = packet.readUInt32BE(at);
    if (at + 4 + length > packet.length) throw new RangeError('field beyond the end of the packet');
    const field = packet.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return field;
  };
  const u32 = (): number => {
    at += 4;
    return packet.readUInt32BE(at - 4);
  };
  return {
    u32,
    bytes,
    u64: (): number => u32() * 2 ** 32 + u32(),
    path: (): string => bytes().toString('latin1'),
    attrs(): { size?: number; mode?: number; atime?: number; mtime?: number } {
      const flags = u32();
      const attrs: { size?: number; mode?: number; atime?: number; mtime?: number } = {};
      if (flags & 1) attrs.size = u32() * 2 ** 32 + u32();
      if (flags & 2) at += 8;
      if (flags & 4) attrs.mode = u32();
      if (flags & 8) {
        attrs.atime = u32();
        attrs.mtime = u32();
      }
      return attrs;
    },
  };
}

function packetOf(type: number, parts: readonly Buffer[]): Buffer {
  let length = 1;
  for (const part of parts) length += part.length;
  const head = Buffer.allocUnsafe(5);
  head.writeUInt32BE(length, 0);
  head[4] = type;
  return Buffer.concat([head, ...parts]);
}

export function u32Of(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(4);
  buffer.writeUInt32BE(value >>> 0, 0);
  return buffer;
}

function u64Of(value: number): Buffer {
  const buffer = Buffer.allocUnsafe(8);
  buffer.writeBigUInt64BE(BigInt(value), 0);
  return buffer;
}

function textOf(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
  return Buffer.concat([u32Of(bytes.length), bytes]);
}

export function versionPacket(extensions: readonly (readonly [string, string])[]): Buffer {
  return packetOf(ANSWER.version, [u32Of(3), ...extensions.flatMap(([name, data]) => [textOf(name), textOf(data)])]);
}

export function statusPacket(id: number, code: number, message: string): Buffer {
  return packetOf(ANSWER.status, [u32Of(id), u32Of(code), textOf(message), textOf('')]);
}

export function handlePacket(id: number, handle: Buffer): Buffer {
  return packetOf(ANSWER.handle, [u32Of(id), textOf(handle)]);
}

export function attrsPacket(id: number, attrs: Buffer): Buffer {
  return packetOf(ANSWER.attrs, [u32Of(id), attrs]);
}

export function limitsPacket(id: number): Buffer {
  const most = MAX_PACKET - 1024;
  return packetOf(ANSWER.extended, [u32Of(id), u64Of(MAX_PACKET), u64Of(most), u64Of(most), u64Of(0)]);
}

export function namePacket(id: number, entries: readonly { name: string; longname: string; attrs: Buffer }[]): Buffer {
  const parts = entries.flatMap(({ name, longname, attrs }) => [textOf(name), textOf(longname), attrs]);
  return packetOf(ANSWER.name, [u32Of(id), u32Of(entries.length), ...parts]);
}

/** A packet of data that says it holds more than it does. */
export function malformedPacket(id: number): Buffer {
  return packetOf(ANSWER.data, [u32Of(id), u32Of(100_000), Buffer.from('short')]);
}

/** Room for `length` bytes of data from DATA_AT on; `dataPacket` then makes the packet of what was filled. */
export const DATA_AT = 13;

export function dataPacket(id: number, buffer: Buffer, length: number): Buffer {
  buffer.writeUInt32BE(9 + length, 0);
  buffer[4] = ANSWER.data;
  buffer.writeUInt32BE(id, 5);
  buffer.writeUInt32BE(length, 9);
  return buffer.subarray(0, DATA_AT + length);
}

/** `late`: seconds by which the times are wrong. */
export function attrsOf(stats: Stats, omit: { mtime: boolean; mode: boolean; late: number }): Buffer {
  const flags = 1 | 2 | (omit.mode ? 0 : 4) | (omit.mtime ? 0 : 8);
  const parts = [u32Of(flags), u64Of(stats.size), u32Of(stats.uid), u32Of(stats.gid)];
  if (!omit.mode) parts.push(u32Of(stats.mode));
  if (!omit.mtime) {
    const times = [stats.atimeMs, stats.mtimeMs].map((ms) => u32Of(Math.floor(ms / 1000) + omit.late));
    parts.push(...times);
  }
  return Buffer.concat(parts);
}

function typeLetterOf(stats: Stats): string {
  if (stats.isDirectory()) return 'd';
  if (stats.isSymbolicLink()) return 'l';
  return stats.isFile() ? '-' : stats.isFIFO() ? 'p' : '?';
}

/** As `ls -l` prints it. */
export function longnameOf(name: string, stats: Stats): string {
  let bits = typeLetterOf(stats);
  for (let bit = 8; bit >= 0; bit--) bits += stats.mode & (1 << bit) ? 'rwx'[(8 - bit) % 3] : '-';
  const time = stats.mtime.toISOString().slice(0, 16).replace('T', ' ');
  return `${bits} ${stats.nlink} ${stats.uid} ${stats.gid} ${String(stats.size).padStart(12)} ${time} ${name}`;
}
