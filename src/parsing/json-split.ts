import { FileRefused } from '../model.ts';

/** The text of one element or line, with its place. */
export interface Piece {
  line: number;
  offset: number;
  text: Buffer;
}

const LF = 10;
const CR = 13;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Lines that hold more than spaces. LF, CRLF and CR end a line: none of them can stand inside a JSON string. */
export async function* splitLines(text: AsyncIterable<Buffer>, maxRecord: number): AsyncGenerator<Piece[]> {
  let line = 1;
  let offset = 0;
  /** The beginning of a line whose end has not come. Put together once, when it comes: a long line takes many chunks. */
  let held: Buffer[] = [];
  let searched = 0;
  let afterCr = false;
  for await (const input of text) {
    if (input.length === 0) continue;
    const hasCr = input.includes(CR);
    if (!hasCr && !input.includes(LF)) {
      held.push(input);
      searched += input.length;
      afterCr = false;
      if (searched > maxRecord) throw tooLarge(line, maxRecord);
      continue;
    }
    const chunk = searched > 0 ? Buffer.concat([...held, input]) : input;
    const pieces: Piece[] = [];
    let start = 0;
    if (afterCr && chunk[0] === LF) start = 1;
    afterCr = false;
    for (let end = nextEnd(chunk, Math.max(start, searched), hasCr); end >= 0; end = nextEnd(chunk, start, hasCr)) {
      addPiece(pieces, chunk, start, end, offset, line, maxRecord);
      line++;
      afterCr = chunk[end] === CR && end + 1 === chunk.length;
      start = end + (chunk[end] === CR && chunk[end + 1] === LF ? 2 : 1);
    }
    offset += start;
    const rest = chunk.subarray(start);
    held = rest.length > 0 ? [rest] : [];
    searched = rest.length;
    if (searched > maxRecord) throw tooLarge(line, maxRecord);
    if (pieces.length > 0) yield pieces;
  }
  const pieces: Piece[] = [];
  const rest = Buffer.concat(held);
  addPiece(pieces, rest, 0, rest.length, offset, line, maxRecord);
  if (pieces.length > 0) yield pieces;
}

function nextEnd(chunk: Buffer, from: number, hasCr: boolean): number {
  const lf = chunk.indexOf(LF, from);
  if (!hasCr) return lf;
  const cr = (lf < 0 ? chunk : chunk.subarray(0, lf)).indexOf(CR, from);
  return cr < 0 ? lf : cr;
}

function addPiece(
  pieces: Piece[],
  chunk: Buffer,
  start: number,
  end: number,
  offset: number,
  line: number,
  maxRecord: number,
): void {
  if (end - start > maxRecord) throw tooLarge(line, maxRecord);
  for (let i = start; i < end; i++) {
    if (!isSpace(chunk[i])) {
      pieces.push({ line, offset: offset + start, text: chunk.subarray(start, end) });
      return;
    }
  }
}

/** The elements of one JSON array, each as its own text. What stands between them must be commas, nothing else. */
export async function* splitArray(text: AsyncIterable<Buffer>, maxRecord: number): AsyncGenerator<Piece[]> {
  const splitter = new ArraySplitter(maxRecord);
  for await (const chunk of text) {
    const pieces = splitter.through(chunk);
    if (pieces.length > 0) yield pieces;
  }
  splitter.end();
}

/** `value`: inside an element. `comma`: after one. `next`: after a comma. */
type State = 'start' | 'first' | 'value' | 'comma' | 'next' | 'done';

class ArraySplitter {
  private readonly maxRecord: number;
  private state: State = 'start';
  private line = 1;
  private offset = 0;
  private previous = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** The element being read: its place, and its bytes from earlier chunks. */
  private element = { line: 0, offset: 0, length: 0 };
  private parts: Buffer[] = [];

  constructor(maxRecord: number) {
    this.maxRecord = maxRecord;
  }

  through(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (byte === LF ? this.previous !== CR : byte === CR) this.line++;
      this.previous = byte;
      if (this.state === 'value') {
        if (!this.endsBefore(byte)) continue;
        pieces.push(this.close(chunk.subarray(start, i)));
        this.state = 'comma';
      }
      if (isSpace(byte)) continue;
      if (this.between(byte)) {
        start = i;
        this.element = { line: this.line, offset: this.offset + i, length: 0 };
        this.state = 'value';
        this.endsBefore(byte);
      }
    }
    this.offset += chunk.length;
    if (this.state === 'value') this.keep(chunk.subarray(start));
    return pieces;
  }

  end(): void {
    if (this.state === 'done' || this.state === 'start') return;
    throw this.refuse(
      'the array is not closed before the end of the file',
      'The file was probably cut off. Ask the sender for it again.',
    );
  }

  /** Takes a byte of an element; true where the byte is behind it already. */
  private endsBefore(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) this.inString = false;
      return false;
    }
    if (this.depth === 0 && (byte === 0x2c || byte === 0x5d || isSpace(byte))) return true;
    if (byte === QUOTE) this.inString = true;
    else if (byte === 0x7b || byte === 0x5b) this.depth++;
    else if (byte === 0x7d || byte === 0x5d) this.depth--;
    return false;
  }

  /** Takes a byte between elements; true where an element starts with it. */
  private between(byte: number): boolean {
    const character = String.fromCharCode(byte);
    switch (this.state) {
      case 'start':
        if (character !== '[')
          throw this.refuse('the file does not start with "["', 'Set file.format to what the sender writes.');
        this.state = 'first';
        return false;
      case 'first':
        if (character === ']') this.state = 'done';
        else if (character === ',')
          throw this.refuse('a comma before the first element', 'Ask the sender for valid JSON.');
        return character !== ']';
      case 'comma':
        if (character === ',') this.state = 'next';
        else if (character === ']') this.state = 'done';
        else
          throw this.refuse(
            'two elements without a comma between them',
            'If the file holds one object a line, set file.format: jsonl.',
          );
        return false;
      case 'next':
        if (character === ']') throw this.refuse('a comma after the last element', 'Ask the sender to leave it out.');
        if (character === ',') throw this.refuse('two commas in a row', 'Ask the sender for valid JSON.');
        return true;
      default:
        throw this.refuse(
          'something follows the end of the array; one array is allowed',
          'Ask the sender for one array, or for one object a line (file.format: jsonl).',
        );
    }
  }

  private keep(bytes: Buffer): void {
    this.element.length += bytes.length;
    if (this.element.length > this.maxRecord) throw tooLarge(this.element.line, this.maxRecord);
    this.parts.push(bytes);
  }

  private close(bytes: Buffer): Piece {
    this.keep(bytes);
    const text = this.parts.length === 1 ? bytes : Buffer.concat(this.parts);
    this.parts = [];
    this.depth = 0;
    return { line: this.element.line, offset: this.element.offset, text };
  }

  private refuse(found: string, hint: string): FileRefused {
    const inElement = this.state === 'value' ? ` (an element starts on line ${this.element.line})` : '';
    return new FileRefused({
      code: 'JSON_INVALID',
      message: `line ${this.line}: ${found}${inElement}`,
      hint,
      line: this.state === 'value' ? this.element.line : this.line,
    });
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === LF || byte === CR || byte === 0x09;
}

function tooLarge(line: number, maxRecord: number): FileRefused {
  return new FileRefused({
    code: 'RECORD_TOO_LARGE',
    message: `line ${line}: the record is longer than ${maxRecord} bytes`,
    hint: 'If such records are genuine, raise file.limits.record.',
    line,
  });
}
