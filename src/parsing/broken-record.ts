/** Where reading starts: a byte offset of the text and the line it is on. */
export interface Position {
  offset: number;
  line: number;
}

/** A record that breaks the syntax; it starts at this position. */
export class BrokenRecord extends Error {
  readonly at: Position;
  constructor(at: Position) {
    // csv-parse's own error stays behind: it carries the values of the record.
    super(`broken record at line ${at.line}`);
    this.name = 'BrokenRecord';
    this.at = at;
  }
}
