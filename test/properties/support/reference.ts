/**
 * How text with delimiters is read, written down a second time: from RFC 4180 and the manual, one character after the other,
 * on whole texts, with nothing of the program. Slow and plain, so that where the two differ one of them is wrong.
 */
export interface ReferenceRecord {
  /** The line it starts on; the first is 1. LF, CRLF and CR each end a line, also inside quotes. */
  line: number;
  /** Index into the text, and length, without the line end. */
  start: number;
  length: number;
  fields: string[];
}

export type Reference = { ok: true; records: ReferenceRecord[] } | { ok: false; line: number };

/** Splits a text. Empty lines are no records. Not ok: a quote is out of place in the record that starts on `line`. */
export function splitByRfc4180(text: string, delimiter: string): Reference {
  const records: ReferenceRecord[] = [];
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const start = at;
    const startLine = line;
    const fields: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        at++;
        for (;;) {
          if (at >= text.length) return { ok: false, line: startLine };
          if (text[at] !== '"') {
            const end = lineEndAt(text, at);
            if (end > 0) line++;
            field += text.slice(at, at + Math.max(1, end));
            at += Math.max(1, end);
          } else if (text[at + 1] === '"') {
            field += '"';
            at += 2;
          } else break;
        }
        at++;
        if (at < text.length && text[at] !== delimiter && lineEndAt(text, at) === 0)
          return { ok: false, line: startLine };
      } else {
        while (at < text.length && text[at] !== delimiter && lineEndAt(text, at) === 0) {
          if (text[at] === '"') return { ok: false, line: startLine };
          field += text[at++];
        }
      }
      fields.push(field);
      if (text[at] !== delimiter || at >= text.length) break;
      at++;
    }
    if (at > start) records.push({ line: startLine, start, length: at - start, fields });
    const end = lineEndAt(text, at);
    if (end > 0) line++;
    at += end;
  }
  return { ok: true, records };
}

/** How many characters of a line end stand there: 2 for CRLF, 1 for LF or CR, else 0. */
function lineEndAt(text: string, at: number): number {
  if (text[at] === '\r') return text[at + 1] === '\n' ? 2 : 1;
  return text[at] === '\n' ? 1 : 0;
}
