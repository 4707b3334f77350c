/** A record of delimited text, with the line it starts on and its text as it stands. */
export interface CsvRecord {
  line: number;
  input: string;
  fields: string[];
}

/** Reads RFC 4180 text that ends with a line end. Written for the oracle alone: it shares nothing with the product. */
export function readCsv(text: string, delimiter: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let startLine = 1;
  let start = 0;
  let fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (char === '\n') line++;
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[i + 1] === '"') field += text[i++];
      else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === delimiter) {
      fields.push(field);
      field = '';
    } else if (char === '\n') {
      records.push({ line: startLine, input: text.slice(start, i), fields: [...fields, field] });
      fields = [];
      field = '';
      start = i + 1;
      startLine = line;
    } else field += char;
  }
  if (start !== text.length) throw new Error('the sample does not end with a line end');
  return records;
}
