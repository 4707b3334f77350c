import { FileRefused, type InputRow, type Notice, type ReadSummary, type RowReader } from '../model.ts';
import { noticeEmpty, type Opened, watched } from './delimited.ts';
import { fold, spellings } from './header.ts';
import { type ObjectFields, readObject } from './json-object.ts';
import { type Piece, splitArray, splitLines } from './json-split.ts';
import { tellName } from './tell-name.ts';
import { textAfter } from './text.ts';

const BATCH = 500;

/**
 * Rows of a JSON array or of JSON Lines. Columns are the job's, then others as they first occur. In JSON Lines a
 * malformed line is one bad row; in an array it leaves no trust in what follows, and the file is refused.
 */
export function openJson(opened: Opened, format: 'json' | 'jsonl'): RowReader {
  const { settings, staged, beginning, signal } = opened;
  if (settings.trailer) {
    throw new FileRefused({
      code: 'TRAILER_UNSUPPORTED',
      message: `the job expects a trailer (file.trailer), which a ${format} file cannot have`,
      hint: 'Leave out file.trailer, or ask the sender for csv, psv or tsv.',
    });
  }
  const table = new Table(opened);
  let summary: ReadSummary | undefined;
  return {
    columns: table.columns,
    delimiter: '',
    async *batches() {
      summary = undefined;
      const passed = { bytes: 0, nul: false };
      const text = watched(textAfter(staged, settings, beginning, 0), passed, signal);
      const split = format === 'json' ? splitArray : splitLines;
      let rows = 0;
      let line = 0;
      for await (const pieces of split(text, settings.limits.record)) {
        for (let i = 0; i < pieces.length; i += BATCH) {
          const batch = pieces.slice(i, i + BATCH).map((piece) => {
            // A row is known by its line, and an array may have all its elements on one.
            line = Math.max(line + 1, piece.line);
            return table.row(piece, line, format);
          });
          rows += batch.length;
          yield batch;
        }
      }
      const notices = [...beginning.notices, ...table.notices, ...noticeEmpty(rows, settings)];
      summary = { rows, bytes: passed.bytes, charset: beginning.charset, format, notices };
    },
    summary() {
      if (!summary) throw new Error('summary() is known after batches() came to its end');
      return summary;
    },
  };
}

/** Gives the fields of objects their columns. */
class Table {
  readonly columns: string[];
  readonly notices: Notice[] = [];
  private readonly opened: Opened;
  private readonly spelled: Map<string, string>;
  /** By the name as written, and by its folded form. */
  private readonly byName = new Map<string, number>();
  private readonly byFold = new Map<string, number>();
  /** For each column the number of the last row that had it: two keys may fold to one column. */
  private readonly lastSeen: number[] = [];
  private rowNumber = 0;

  constructor(opened: Opened) {
    this.opened = opened;
    this.spelled = spellings(opened.settings, opened.wanted);
    this.columns = [];
    for (const name of opened.wanted) if (!this.byFold.has(fold(name))) this.add(name);
  }

  row(piece: Piece, line: number, format: 'json' | 'jsonl'): InputRow {
    const { offset, text } = piece;
    const row: InputRow = { line, offset, length: text.length, values: [] };
    const read = readObject(text.toString());
    const problem = read.ok ? this.place(read.fields, row) : read;
    if (!problem) return row;
    if (problem.code === 'JSON_INVALID' && format === 'json') {
      throw new FileRefused({
        code: 'JSON_INVALID',
        message: `the element that starts on line ${piece.line} is ${problem.reason}`,
        hint: 'Ask the sender for valid JSON. One object a line (file.format: jsonl) would cost only the bad line.',
        line: piece.line,
      });
    }
    row.values = [];
    row.fault = { code: problem.code, reason: problem.reason };
    return row;
  }

  private place(
    fields: (ObjectFields & { ok: true })['fields'],
    row: InputRow,
  ): { code: string; reason: string } | undefined {
    const values: (string | undefined)[] = [];
    const longest = this.opened.settings.limits.field;
    this.rowNumber++;
    for (const [name, value] of fields) {
      const index = this.byName.get(name) ?? this.learn(name, row.line);
      if (this.lastSeen[index] === this.rowNumber) {
        return {
          code: 'JSON_DUPLICATE_KEY',
          reason: `two keys mean the column ${tellName(this.columns[index] ?? '')}`,
        };
      }
      this.lastSeen[index] = this.rowNumber;
      if (row.length > longest && value !== undefined && Buffer.byteLength(value) > longest) {
        return {
          code: 'FIELD_TOO_LARGE',
          reason: `${tellName(name)} is longer than ${longest} bytes (file.limits.field)`,
        };
      }
      while (values.length < index) values.push(undefined);
      values[index] = value;
    }
    row.values = values;
    return undefined;
  }

  private learn(name: string, line: number): number {
    const folded = fold(name);
    const index = this.byFold.get(folded) ?? this.addFound(name, line);
    // Spellings of one column are few in earnest; this only must not grow without end.
    if (this.byName.size < 10_000) this.byName.set(name, index);
    return index;
  }

  private addFound(name: string, line: number): number {
    const { header, limits } = this.opened.settings;
    const spelling = this.spelled.get(fold(name));
    if (spelling === undefined && header.mode !== 'subset') this.unexpected(name, line);
    if (this.columns.length >= limits.columns) {
      throw new FileRefused({
        code: 'TOO_MANY_COLUMNS',
        message: `line ${line}: more than ${limits.columns} different keys up to here`,
        hint: 'If the file is genuine, raise file.limits.columns.',
        line,
      });
    }
    return this.add(spelling ?? name);
  }

  private add(name: string): number {
    const index = this.columns.push(name) - 1;
    this.byFold.set(fold(name), index);
    this.lastSeen.push(-1);
    return index;
  }

  private unexpected(name: string, line: number): void {
    const { header } = this.opened.settings;
    const declared = [...this.spelled.values()].join(', ');
    const message = `line ${line}: the key ${tellName(name)} is not declared; declared: ${declared}`;
    if (header.onDrift === 'fail') {
      throw new FileRefused({
        code: 'HEADER_UNEXPECTED',
        message,
        hint: 'Add it to file.header.columns, or set file.header.mode: subset to ignore it.',
        line,
      });
    }
    if (this.notices.length < 20) this.notices.push({ code: 'HEADER_UNEXPECTED', message });
  }
}
