import { closeSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

/**
 * What the seal found out about each row, beside the staged file: fixed records on disk, so that memory does not grow
 * with the file. It holds no value of the input, only places and hashes, and can be made again from the staged file.
 */
export const VERDICT = { candidate: 0, rejected: 1, duplicate: 2, conflict: 3 } as const;
export type Verdict = (typeof VERDICT)[keyof typeof VERDICT];

const SIZE = 104;
const BLOCK = 1024;

/** Offsets of the fields within a record. */
const AT = {
  offset: 0,
  length: 8,
  line: 12,
  keyHash: 16,
  contentHash: 32,
  orderHash: 48,
  eventMs: 56,
  money: 64,
  currency: 72,
  eventName: 74,
  verdict: 76,
  flags: 77,
  code: 78,
  refLine: 80,
  reasonLength: 84,
  reasonAt: 88,
  person: 96,
} as const;

/** Amounts have up to 15 digits before their decimals: more than 63 bits hold, so the sign stands apart. */
const FLAGS = { hasOrder: 1, negative: 2 } as const;

/** A row as the seal adds it. `currency`, `eventName`, `code`: indexes into the seal's tables; currency 0: no amount. */
export interface IndexEntry {
  offset: number;
  length: number;
  line: number;
  verdict: Verdict;
  /** Hex digits; empty where there is none. The first 32 of key and content, the first 16 of order and person are kept. */
  keyHash: string;
  contentHash: string;
  orderHash: string;
  person: string;
  eventMs: number;
  money: bigint;
  currency: number;
  eventName: number;
  code: number;
  reasonAt: number;
  reasonLength: number;
}

/** Writes the index in order. */
export function createRowIndex(path: string): { add(entry: IndexEntry): void; finish(): void; abandon(): void } {
  const fd = openSync(path, 'w', 0o600);
  const block = Buffer.alloc(SIZE * BLOCK);
  let used = 0;
  const flush = (): void => {
    if (used > 0) writeAll(fd, block.subarray(0, used));
    used = 0;
  };
  return {
    add: (e) => {
      const b = block;
      const at = used;
      b.fill(0, at, at + SIZE);
      b.writeDoubleLE(e.offset, at + AT.offset);
      b.writeUInt32LE(e.length, at + AT.length);
      b.writeUInt32LE(e.line, at + AT.line);
      b.write(e.keyHash, at + AT.keyHash, 16, 'hex');
      b.write(e.contentHash, at + AT.contentHash, 16, 'hex');
      if (e.orderHash !== '') {
        b.write(e.orderHash, at + AT.orderHash, 8, 'hex');
        b[at + AT.flags] = FLAGS.hasOrder;
      }
      b.write(e.person, at + AT.person, 8, 'hex');
      b.writeDoubleLE(e.eventMs, at + AT.eventMs);
      if (e.currency > 0) {
        if (e.money < 0n) b[at + AT.flags] = (b[at + AT.flags] ?? 0) | FLAGS.negative;
        b.writeBigUInt64LE(e.money < 0n ? -e.money : e.money, at + AT.money);
      }
      b.writeUInt16LE(e.currency, at + AT.currency);
      b.writeUInt16LE(e.eventName, at + AT.eventName);
      b[at + AT.verdict] = e.verdict;
      b.writeUInt16LE(e.code, at + AT.code);
      b.writeUInt32LE(e.reasonLength, at + AT.reasonLength);
      b.writeDoubleLE(e.reasonAt, at + AT.reasonAt);
      used += SIZE;
      if (used === block.length) flush();
    },
    finish: () => {
      flush();
      fsyncSync(fd);
      closeSync(fd);
    },
    abandon: () => closeSync(fd),
  };
}

/** A block of consecutive records; `at(i)` places are cheap, nothing is copied. */
export class IndexBlock {
  readonly count: number;
  /** Ordinal of the first record. */
  readonly first: number;
  private readonly bytes: Buffer;
  constructor(bytes: Buffer, first: number) {
    this.bytes = bytes;
    this.count = bytes.length / SIZE;
    this.first = first;
  }
  offset(i: number): number {
    return this.bytes.readDoubleLE(i * SIZE + AT.offset);
  }
  length(i: number): number {
    return this.bytes.readUInt32LE(i * SIZE + AT.length);
  }
  line(i: number): number {
    return this.bytes.readUInt32LE(i * SIZE + AT.line);
  }
  verdict(i: number): number {
    return this.bytes[i * SIZE + AT.verdict] ?? 0;
  }
  keyHash(i: number): Buffer {
    return this.bytes.subarray(i * SIZE + AT.keyHash, i * SIZE + AT.keyHash + 16);
  }
  contentHash(i: number): Buffer {
    return this.bytes.subarray(i * SIZE + AT.contentHash, i * SIZE + AT.contentHash + 16);
  }
  orderHash(i: number): Buffer | null {
    const at = i * SIZE;
    if (((this.bytes[at + AT.flags] ?? 0) & FLAGS.hasOrder) === 0) return null;
    return this.bytes.subarray(at + AT.orderHash, at + AT.orderHash + 8);
  }
  person(i: number): bigint {
    return this.bytes.readBigUInt64LE(i * SIZE + AT.person);
  }
  eventMs(i: number): number {
    return this.bytes.readDoubleLE(i * SIZE + AT.eventMs);
  }
  money(i: number): bigint {
    const at = i * SIZE;
    const amount = this.bytes.readBigUInt64LE(at + AT.money);
    return ((this.bytes[at + AT.flags] ?? 0) & FLAGS.negative) === 0 ? amount : -amount;
  }
  currency(i: number): number {
    return this.bytes.readUInt16LE(i * SIZE + AT.currency);
  }
  eventName(i: number): number {
    return this.bytes.readUInt16LE(i * SIZE + AT.eventName);
  }
  code(i: number): number {
    return this.bytes.readUInt16LE(i * SIZE + AT.code);
  }
  refLine(i: number): number {
    return this.bytes.readUInt32LE(i * SIZE + AT.refLine);
  }
  reason(i: number): { at: number; length: number } {
    const at = i * SIZE;
    return { at: this.bytes.readDoubleLE(at + AT.reasonAt), length: this.bytes.readUInt32LE(at + AT.reasonLength) };
  }
  /** Changes the verdict in memory; the caller writes the block back. */
  judge(i: number, verdict: Verdict, refLine: number, code: number): void {
    const at = i * SIZE;
    this.bytes[at + AT.verdict] = verdict;
    this.bytes.writeUInt32LE(refLine, at + AT.refLine);
    this.bytes.writeUInt16LE(code, at + AT.code);
  }
  /** The record's bytes for writing back. */
  raw(): Buffer {
    return this.bytes;
  }
}

/** An index opened to be read (and, while duplicates are searched, changed) block by block. */
export function openRowIndex(path: string): {
  /** `keep`: blocks stay good after the next one was read; else one buffer serves for all of them. */
  blocks(keep?: boolean): Generator<IndexBlock>;
  write(block: IndexBlock): void;
  close(): void;
} {
  const fd = openSync(path, 'r+');
  let changed = false;
  return {
    *blocks(keep = false) {
      let ordinal = 0;
      const shared = keep ? undefined : Buffer.allocUnsafe(SIZE * BLOCK);
      for (;;) {
        const bytes = shared ?? Buffer.allocUnsafe(SIZE * BLOCK);
        const read = readFull(fd, bytes, ordinal * SIZE);
        if (read === 0) return;
        const block = new IndexBlock(bytes.subarray(0, read), ordinal);
        ordinal += block.count;
        yield block;
      }
    },
    write: (block) => {
      writeAll(fd, block.raw(), block.first * SIZE);
      changed = true;
    },
    close: () => {
      try {
        // A seal that outlives a power cut must not stand beside verdicts that did not.
        if (changed) fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    },
  };
}

function readFull(fd: number, into: Buffer, position: number): number {
  let total = 0;
  while (total < into.length) {
    const read = readSync(fd, into, total, into.length - total, position + total);
    if (read === 0) break;
    total += read;
  }
  return total - (total % SIZE);
}

/** `position`: absent, where the last write ended. */
function writeAll(fd: number, bytes: Buffer, position?: number): void {
  let written = 0;
  while (written < bytes.length) {
    const at = position === undefined ? null : position + written;
    written += writeSync(fd, bytes, written, bytes.length - written, at);
  }
}
