/** Reads what the program published. Shares no code with it: what it writes is checked by other means than its own. */

export interface ResultLine {
  line: number;
  outcome: string;
  code: string;
  reason: string;
  eventId: string;
  attempts: number;
  at: string;
  /** The input row as it stands. */
  input: string;
}

const LEADING = 7;

/** The lines of a results file of delimited input, its header checked and left out. */
export function readResults(bytes: Buffer, delimiter = ','): ResultLine[] {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const head = `line,outcome,code,reason,event_id,attempts,at`.replaceAll(',', delimiter);
  if (!text.startsWith(head)) throw new Error(`not a results file: ${text.slice(0, 200)}`);
  if (!text.endsWith('\n')) throw new Error('the results file does not end with a line end');
  const rows: ResultLine[] = [];
  let at = endOfRecord(text, 0, delimiter) + 1;
  while (at < text.length) {
    const cells: string[] = [];
    for (let i = 0; i < LEADING; i++) {
      const cell = readCell(text, at, delimiter);
      cells.push(cell.value);
      at = cell.end;
      if (text[at] !== delimiter && !(i === LEADING - 1 && text[at] === '\n'))
        throw new Error(`results line ${rows.length + 2}: ${JSON.stringify(text.slice(at, at + 40))} after a field`);
      at++;
    }
    const withInput = text[at - 1] === delimiter;
    const end = withInput ? endOfRecord(text, at, delimiter) : at - 1;
    const [line = '', outcome = '', code = '', reason = '', eventId = '', attempts = '', time = ''] = cells;
    rows.push({
      line: Number(line),
      outcome,
      code,
      reason,
      eventId,
      attempts: Number(attempts),
      at: time,
      input: withInput ? text.slice(at, end) : '',
    });
    at = end + 1;
  }
  return rows;
}

function readCell(text: string, start: number, delimiter: string): { value: string; end: number } {
  if (text[start] !== '"') {
    let end = start;
    while (text[end] !== delimiter && text[end] !== '\n' && end < text.length) end++;
    return { value: text.slice(start, end), end };
  }
  let value = '';
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] !== '"') value += text[i];
    else if (text[i + 1] === '"') value += text[i++];
    else return { value, end: i + 1 };
  }
  throw new Error('a quote is not closed');
}

/** Where an input record ends: at a line end outside quotes. */
function endOfRecord(text: string, start: number, delimiter: string): number {
  let quoted = false;
  let fieldStart = true;
  for (let i = start; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === '"') quoted = false;
      continue;
    }
    if (char === '\n') return i;
    if (char === '"' && (fieldStart || text[i - 1] === '"')) quoted = true;
    fieldStart = char === delimiter;
  }
  throw new Error('the last record has no line end');
}

/** `2 delivered`, `3 rejected KEY_MISSING`: what became of each row, for comparing at a glance. */
export function fates(rows: readonly ResultLine[]): string[] {
  return rows.map(({ line, outcome, code }) => `${line} ${outcome}${code === '' ? '' : ` ${code}`}`);
}

export const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
