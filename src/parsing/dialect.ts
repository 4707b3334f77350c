import { FileRefused } from '../model.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 10;
const CR = 13;

/** Where the walk stands: before a field, inside an unquoted one, inside quotes, right after a quote inside quotes. */
type State = 'before' | 'bare' | 'quoted' | 'after-quote';

/**
 * Extole's quoting as its documentation prints it, rewritten to doubled quotes: inside quotes `\"` becomes `""`. It
 * keeps every byte in its place, so that offsets stay true, and leaves all other backslashes alone (`C:\temp`).
 *
 * Throws `FileRefused` DIALECT_AMBIGUOUS where the text has two readings: a quote after two backslashes (an escaped
 * backslash, or a backslash and an escaped quote), or both `\"` and `""` in one file.
 */
export async function* doubleEscapedQuotes(
  text: AsyncIterable<Buffer>,
  delimiter: string,
  line = 1,
): AsyncGenerator<Buffer> {
  const walk = new Walk(delimiter.charCodeAt(0), line);
  for await (const chunk of text) yield walk.through(chunk);
  const rest = walk.rest();
  if (rest) yield rest;
  walk.end();
}

/** The one-byte spaces that csv-parse passes over before an opening quote. */
export function isLeadingSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0b || byte === 0x0c;
}

class Walk {
  private readonly delimiter: number;
  private state: State = 'before';
  private line: number;
  private previous = 0;
  /** How many backslashes stand right before the next byte, inside quotes. */
  private backslashes = 0;
  /** A backslash at the end of a chunk waits for what follows it. */
  private held = false;
  private escapedOn: number | undefined;
  private doubledOn: number | undefined;
  private strayOn: number | undefined;

  constructor(delimiter: number, line: number) {
    this.delimiter = delimiter;
    this.line = line;
  }

  through(input: Buffer): Buffer {
    // A copy, because the caller's bytes stay as they are.
    const chunk = this.held ? Buffer.concat([Buffer.from([BACKSLASH]), input]) : Buffer.from(input);
    for (let i = this.held ? 1 : 0; i < chunk.length; i++) this.step(chunk, i, chunk[i] ?? 0);
    this.held = this.backslashes > 0;
    return this.held ? chunk.subarray(0, -1) : chunk;
  }

  rest(): Buffer | undefined {
    return this.held ? Buffer.from([BACKSLASH]) : undefined;
  }

  /** The parser refuses a quote inside an unquoted field; where it did not, it took what is before it for a space. */
  end(): void {
    if (this.strayOn === undefined) return;
    throw new FileRefused({
      code: 'STRAY_QUOTE',
      message: `line ${this.strayOn}: a quote after an unusual space, such as a no-break space; only plain spaces may stand before it`,
      hint: 'Ask the sender to leave out spaces after delimiters.',
      line: this.strayOn,
    });
  }

  private step(chunk: Buffer, i: number, byte: number): void {
    if (byte === LF ? this.previous !== CR : byte === CR) this.line++;
    this.previous = byte;
    switch (this.state) {
      case 'quoted':
        if (byte === QUOTE) this.quoteInside(chunk, i);
        else this.backslashes = byte === BACKSLASH ? this.backslashes + 1 : 0;
        return;
      case 'after-quote':
        if (byte === QUOTE) {
          this.doubledOn ??= this.line;
          this.checkMixed();
          this.state = 'quoted';
          return;
        }
        break;
      case 'before':
        if (byte === QUOTE) this.state = 'quoted';
        else if (!isLeadingSpace(byte)) this.state = 'bare';
        break;
      case 'bare':
        if (byte === QUOTE) this.strayOn ??= this.line;
        break;
    }
    if (this.state === 'quoted') return;
    if (byte === this.delimiter || byte === LF || byte === CR) this.state = 'before';
    else if (this.state === 'after-quote') this.state = 'bare';
  }

  private quoteInside(chunk: Buffer, i: number): void {
    if (this.backslashes === 0) {
      this.state = 'after-quote';
      return;
    }
    if (this.backslashes > 1) {
      throw new FileRefused({
        code: 'DIALECT_AMBIGUOUS',
        message: `line ${this.line}: a quote after two backslashes has two readings: the end of the field after a backslash, or a quote inside it`,
        hint: 'Ask the sender to leave out backslashes before quotes, to send .psv, or to double quotes and set file.dialect: rfc4180.',
        line: this.line,
      });
    }
    chunk[i - 1] = QUOTE;
    this.backslashes = 0;
    this.escapedOn ??= this.line;
    this.checkMixed();
  }

  private checkMixed(): void {
    if (this.escapedOn === undefined || this.doubledOn === undefined) return;
    throw new FileRefused({
      code: 'DIALECT_AMBIGUOUS',
      message: `the file escapes quotes in two ways: with a backslash on line ${this.escapedOn}, by doubling on line ${this.doubledOn}; one of them is allowed`,
      hint: 'Ask the sender for one way: \\" with file.dialect: extole, or "" with file.dialect: rfc4180.',
      line: Math.max(this.escapedOn, this.doubledOn),
    });
  }
}
