import { type IndexBlock, openRowIndex, VERDICT } from './row-index.ts';

/** Keys that one pass over the index can hold; more keys, more passes, the same memory. */
const KEYS_A_PASS = 400_000;

export interface KeyFindings {
  /** Rows that passed the mapping. */
  candidates: number;
  distinctKeys: number;
  /** Rows whose key stands for more than one person in the file, and a line of one. */
  shared: { rows: number; line: number };
}

/** Indexes of the two codes in the seal's table of codes. */
export interface DuplicateCodes {
  duplicate: number;
  conflict: number;
}

/**
 * Finds rows with the same key (per event name) in one file. Same content: the first stays a candidate, the others become
 * duplicates of it. Different content: all are conflicts, or with `firstWins` all that differ from the first.
 */
export function findDuplicates(
  path: string,
  rows: number,
  codes: DuplicateCodes,
  firstWins: boolean,
  keysAPass = KEYS_A_PASS,
): KeyFindings {
  const passes = Math.max(1, Math.ceil(rows / keysAPass));
  const index = openRowIndex(path);
  const findings: KeyFindings = { candidates: 0, distinctKeys: 0, shared: { rows: 0, line: 0 } };
  try {
    for (let pass = 0; pass < passes; pass++) {
      const table = new KeyTable(Math.min(rows, keysAPass * 2));
      for (const block of index.blocks()) {
        for (let i = 0; i < block.count; i++) {
          if (!inPass(block, i, pass, passes)) continue;
          findings.candidates++;
          table.add(block, i);
        }
      }
      findings.distinctKeys += table.keys;
      const shared = table.sharedRows();
      findings.shared = { rows: findings.shared.rows + shared.rows, line: findings.shared.line || shared.line };
      if (!table.repeats) continue;
      for (const block of index.blocks()) {
        if (judgeBlock(block, table, pass, passes, codes, firstWins)) index.write(block);
      }
    }
  } finally {
    index.close();
  }
  return findings;
}

/** A row belongs to the pass that its key's hash says; verdicts of an earlier pass are never looked at again. */
function inPass(block: IndexBlock, i: number, pass: number, passes: number): boolean {
  if (block.verdict(i) !== VERDICT.candidate) return false;
  return passes === 1 || block.keyHash(i).readUInt16LE(8) % passes === pass;
}

function judgeBlock(
  block: IndexBlock,
  table: KeyTable,
  pass: number,
  passes: number,
  codes: DuplicateCodes,
  firstWins: boolean,
): boolean {
  let changed = false;
  for (let i = 0; i < block.count; i++) {
    if (!inPass(block, i, pass, passes)) continue;
    const group = table.find(block, i);
    if (group === undefined || table.sizeOf(group) === 1) continue;
    const firstLine = table.lineOf(group);
    const isFirst = firstLine === block.line(i);
    if (table.conflicted(group)) {
      if (firstWins && isFirst) continue;
      const same = firstWins && table.sameContent(group, block, i);
      if (same) block.judge(i, VERDICT.duplicate, firstLine, codes.duplicate);
      else block.judge(i, VERDICT.conflict, isFirst ? table.otherLineOf(group) : firstLine, codes.conflict);
    } else {
      if (isFirst) continue;
      block.judge(i, VERDICT.duplicate, firstLine, codes.duplicate);
    }
    changed = true;
  }
  return changed;
}

/** Open addressing over typed arrays: a million keys in some 50 MB, no object for a key. */
class KeyTable {
  keys = 0;
  repeats = false;
  private readonly mask: number;
  private readonly slots: Uint32Array;
  private readonly hashes: Buffer;
  private readonly contents: Buffer;
  private readonly lines: Uint32Array;
  private readonly otherLines: Uint32Array;
  private readonly events: Uint16Array;
  private readonly sizes: Uint32Array;
  private readonly persons: BigUint64Array;
  private readonly several: Uint8Array;

  constructor(capacity: number) {
    const room = Math.max(16, capacity);
    let size = 32;
    while (size < room * 2) size *= 2;
    this.mask = size - 1;
    this.slots = new Uint32Array(size);
    this.hashes = Buffer.allocUnsafe(room * 16);
    this.contents = Buffer.allocUnsafe(room * 16);
    this.lines = new Uint32Array(room);
    this.otherLines = new Uint32Array(room);
    this.events = new Uint16Array(room);
    this.sizes = new Uint32Array(room);
    this.persons = new BigUint64Array(room);
    this.several = new Uint8Array(room);
  }

  find(block: IndexBlock, i: number): number | undefined {
    const at = this.slots[this.slotOf(block, i)];
    return at === undefined || at === 0 ? undefined : at - 1;
  }

  add(block: IndexBlock, i: number): void {
    const slot = this.slotOf(block, i);
    const at = this.slots[slot] ?? 0;
    if (at === 0) {
      const group = this.keys++;
      this.slots[slot] = group + 1;
      block.keyHash(i).copy(this.hashes, group * 16);
      block.contentHash(i).copy(this.contents, group * 16);
      this.lines[group] = block.line(i);
      this.events[group] = block.eventName(i);
      this.sizes[group] = 1;
      this.persons[group] = block.person(i);
      return;
    }
    const group = at - 1;
    this.repeats = true;
    this.sizes[group] = (this.sizes[group] ?? 0) + 1;
    if (!this.sameContent(group, block, i) && this.otherLines[group] === 0) this.otherLines[group] = block.line(i);
    if (this.persons[group] !== block.person(i)) this.several[group] = 1;
  }

  /** Rows under keys that stand for more than one person. */
  sharedRows(): { rows: number; line: number } {
    const found = { rows: 0, line: 0 };
    for (let group = 0; group < this.keys; group++) {
      if (this.several[group] !== 1) continue;
      found.rows += this.sizeOf(group);
      if (found.line === 0) found.line = this.lineOf(group);
    }
    return found;
  }

  sizeOf(group: number): number {
    return this.sizes[group] ?? 0;
  }
  lineOf(group: number): number {
    return this.lines[group] ?? 0;
  }
  otherLineOf(group: number): number {
    return this.otherLines[group] ?? 0;
  }
  conflicted(group: number): boolean {
    return this.otherLineOf(group) !== 0;
  }
  sameContent(group: number, block: IndexBlock, i: number): boolean {
    return block.contentHash(i).compare(this.contents, group * 16, group * 16 + 16) === 0;
  }

  private slotOf(block: IndexBlock, i: number): number {
    const hash = block.keyHash(i);
    const event = block.eventName(i);
    let slot = (hash.readUInt32LE(0) ^ (event * 0x9e3779b1)) & this.mask;
    for (;;) {
      const at = this.slots[slot] ?? 0;
      if (at === 0) return slot;
      const group = at - 1;
      if (this.events[group] === event && hash.compare(this.hashes, group * 16, group * 16 + 16) === 0) return slot;
      slot = (slot + 1) & this.mask;
    }
  }
}
