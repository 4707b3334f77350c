import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type ResultLine, readResults } from './e2e-results.ts';

const SAMPLES = fileURLToPath(new URL('../../../sample-files/', import.meta.url));

export interface Sample {
  name: string;
  expected: { line: number; outcome: string; code: string; input: string }[];
  refused: boolean;
}

/** Sample files with what is expected of each row; the input is cut out of the file by its lines, with no parser of ours. */
export function readSamples(): Sample[] {
  const names = readdirSync(SAMPLES, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name !== 'README.md' ? [entry.name] : [],
  );
  return names.sort().map((name) => {
    const bytes = readFileSync(SAMPLES + name);
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').replace(/^\uFEFF/, '');
    const ends = text.includes('\r\n') ? '\r\n' : '\n';
    const inputLines = text.split(ends);
    const [, ...lines] = readFileSync(`${SAMPLES}expected/${name}.expected.csv`, 'utf8').trimEnd().split('\n');
    const expected = lines.map((each) => {
      const [line = '', outcome = '', code = '', count = ''] = each.split(',');
      const first = Number(line) - 1;
      return { line: Number(line), outcome, code, input: inputLines.slice(first, first + Number(count)).join(ends) };
    });
    return { name, expected, refused: expected[0]?.outcome === 'refused' };
  });
}

/** Results of JSON Lines: each line is one object, with the input as it stands under `row`, or as text under `raw`. */
export function readJsonResults(bytes: Buffer): ResultLine[] {
  const lines = bytes.toString('utf8').split('\n');
  if (lines.pop() !== '') throw new Error('the results file does not end with a line end');
  return lines.map((text): ResultLine => {
    const told: {
      line: number;
      outcome: string;
      code: string;
      reason: string;
      event_id: string;
      attempts: number;
      at: string;
      raw?: string;
    } = JSON.parse(text);
    const { event_id: eventId, raw, ...rest } = told;
    const marker = ',"row":';
    const input = raw ?? text.slice(text.indexOf(marker) + marker.length, -1);
    return { ...rest, eventId, input };
  });
}

/** The results file of a sample: dropped endings, and the ending of its revision. */
export function resultsOf(sample: string, revision = ''): { name: string; read: (bytes: Buffer) => ResultLine[] } {
  const plain = sample.replace(/\.gz$/, '');
  const ending = plain.slice(plain.lastIndexOf('.') + 1);
  const read =
    ending === 'jsonl' ? readJsonResults : (bytes: Buffer) => readResults(bytes, ending === 'psv' ? '|' : ',');
  return { name: `${plain}.results${revision}.${ending}`, read };
}
