import { FileRefused } from '../model.ts';
import type { Position } from './broken-record.ts';
import { isLeadingSpace } from './dialect.ts';
import { tellName } from './tell-name.ts';

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 10;
const CR = 13;

export interface BrokenContext {
  delimiter: string;
  dialect: 'rfc4180' | 'extole';
  maxRecord: number;
  /** Names for the message, as far as they are known. */
  columns: readonly string[];
}

/**
 * Why a record cannot be read: walks through it once more, byte by byte, from its first. It finds what the parser no
 * longer knows: the line of the quote that opened, and whether a backslash before a quote is what broke it.
 */
export async function explainBroken(
  text: AsyncIterable<Buffer>,
  at: Position,
  context: BrokenContext,
): Promise<FileRefused> {
  const walk = new BrokenWalk(at, context);
  for await (const chunk of text) {
    for (const byte of chunk) {
      const refusal = walk.step(byte);
      if (refusal) return refusal;
    }
  }
  return walk.end();
}

class BrokenWalk {
  private readonly at: Position;
  private readonly context: BrokenContext;
  private readonly delimiter: number;
  private state: 'before' | 'bare' | 'quoted' | 'after-quote' = 'before';
  private line: number;
  private openedOn = 0;
  private column = 0;
  private length = 0;
  private previous = 0;
  private backslashQuote = false;
  private onlySpaces = false;
  private equalsBefore = false;

  constructor(at: Position, context: BrokenContext) {
    this.at = at;
    this.context = context;
    this.delimiter = context.delimiter.charCodeAt(0);
    this.line = at.line;
  }

  step(byte: number): FileRefused | undefined {
    if (this.length >= this.context.maxRecord) return this.tooLong();
    this.length++;
    const before = this.previous;
    this.previous = byte;
    if (this.state === 'quoted') {
      if (byte === QUOTE && before === BACKSLASH) this.backslashQuote = true;
      if (byte === QUOTE && !(this.context.dialect === 'extole' && before === BACKSLASH)) this.state = 'after-quote';
      this.countLine(byte, before);
      return undefined;
    }
    if (this.state === 'after-quote' && byte === QUOTE) {
      this.state = 'quoted';
      return undefined;
    }
    if (byte === this.delimiter) {
      this.state = 'before';
      this.column++;
    } else if (byte === LF || byte === CR) {
      // The record ended: it was only too long, or broke by something this walk does not know.
      return this.tooLong();
    } else if (this.state === 'after-quote') return this.strayAfterClosing();
    else if (byte === QUOTE && this.state === 'bare') {
      this.equalsBefore = before === EQUALS;
      return this.strayInside();
    } else if (byte === QUOTE) {
      this.state = 'quoted';
      this.openedOn = this.line;
      this.previous = 0;
    } else {
      const space = isLeadingSpace(byte);
      this.onlySpaces = space && (this.state === 'before' || this.onlySpaces);
      if (!space || this.context.dialect === 'rfc4180') this.state = 'bare';
    }
    return undefined;
  }

  end(): FileRefused {
    return this.state === 'quoted' ? this.notClosed('the end of the file') : this.tooLong();
  }

  private countLine(byte: number, before: number): void {
    if (byte === LF ? before !== CR : byte === CR) this.line++;
  }

  private where(): string {
    const name = this.context.columns[this.column];
    return `column ${this.column + 1}${name === undefined ? '' : ` (${tellName(name)})`}`;
  }

  private hint(otherwise: string): string {
    if (this.backslashQuote && this.context.dialect === 'rfc4180') {
      return 'The record has \\" inside quotes: if the sender escapes quotes with a backslash, set file.dialect: extole.';
    }
    return otherwise;
  }

  private notClosed(until: string): FileRefused {
    return new FileRefused({
      code: 'QUOTE_NOT_CLOSED',
      message: `line ${this.openedOn}, ${this.where()}: the quote that opens the field is not closed before ${until}`,
      hint: this.hint('Ask the sender to close it; a quote inside a value must be escaped.'),
      line: this.openedOn,
    });
  }

  private strayAfterClosing(): FileRefused {
    if (this.line > this.openedOn) return this.notClosed(`line ${this.line}, where the next quote is followed by text`);
    return new FileRefused({
      code: 'STRAY_QUOTE',
      message: `line ${this.line}, ${this.where()}: a quote inside the quoted field is followed by more text; only a delimiter or the end of the line may follow`,
      hint: this.hint('Ask the sender to double quotes inside quoted values.'),
      line: this.line,
    });
  }

  private strayInside(): FileRefused {
    return new FileRefused({
      code: 'STRAY_QUOTE',
      message: `line ${this.line}, ${this.where()}: a quote inside a field that does not start with one`,
      hint:
        this.onlySpaces && this.context.dialect === 'rfc4180'
          ? 'If the sender puts a space after each delimiter, set file.dialect: extole.'
          : this.equalsBefore
            ? 'If the sender writes fields as ="00123", for Excel, set file.dialect: excel.'
            : 'Ask the sender to put the whole value in quotes and to escape the quotes inside it.',
      line: this.line,
    });
  }

  private tooLong(): FileRefused {
    const { maxRecord } = this.context;
    if (this.state === 'quoted' && this.line > this.openedOn) {
      return this.notClosed(`the ${maxRecord} bytes that a record may have (file.limits.record)`);
    }
    return new FileRefused({
      code: 'RECORD_TOO_LARGE',
      message: `line ${this.at.line}: the record is longer than ${maxRecord} bytes`,
      hint: 'If such records are genuine, raise file.limits.record.',
      line: this.at.line,
    });
  }
}
