/** Reads what the product published. Shares no code with it, so that what it writes is checked by other means than its own. */

export interface ResultLine {
  line: number;
  outcome: string;
  code: string;
  eventId: string;
  /** The input row as it stands. */
  input: string;
}

const LEADING = 7;

/** The lines of a results file of delimited input. Throws where it is not one, or not whole. */
export function readResults(text: string, delimiter = ','): ResultLine[] {
  const head = 'line,outcome,code,reason,event_id,attempts,at'.replaceAll(',', delimiter);
  if (!text.startsWith(head)) throw new Error(`not a results file: ${text.slice(0, 200)}`);
  if (!text.endsWith('\n')) throw new Error('the results file does not end with a line end');
  const rows: ResultLine[] = [];
  for (let at = text.indexOf('\n') + 1; at < text.length; ) {
    const cells: string[] = [];
    for (let i = 0; i < LEADING; i++) {
      const { value, end } = readCell(text, at, delimiter);
      cells.push(value);
      at = end + 1;
    }
    // Where the input came encrypted, a line ends here.
    const bare = text[at - 1] === '\n';
    const end = bare ? at - 1 : endOfRecord(text, at, delimiter);
    const [line = '', outcome = '', code = '', , eventId = ''] = cells;
    rows.push({ line: Number(line), outcome, code, eventId, input: bare ? '' : text.slice(at, end) });
    at = end + 1;
  }
  return rows;
}

function readCell(text: string, start: number, delimiter: string): { value: string; end: number } {
  if (text[start] !== '"') {
    let end = start;
    while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++;
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
  for (let i = start; i < text.length; i++) {
    if (text[i] === '"' && (quoted || i === start || text[i - 1] === delimiter || text[i - 1] === '"'))
      quoted = !quoted;
    else if (text[i] === '\n' && !quoted) return i;
  }
  throw new Error('the last record has no line end');
}
