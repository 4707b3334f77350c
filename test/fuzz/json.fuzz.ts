import { readObject } from '../../src/parsing/json-object.ts';
import { splitArray, splitLines } from '../../src/parsing/json-split.ts';
import { elementsOf, readReferenceObject } from '../properties/support/reference-json.ts';
import { collect, inChunks, must, outcome, takeFrom } from './support.ts';

const MAX_RECORD = 1 << 20;
const DEEP = /[[{][^\]}]{0,64}[[{]/;

/** JSON objects, JSON Lines and arrays: cut anywhere the same, and as a second reading has them. */
export async function fuzz(data: Buffer): Promise<void> {
  const take = takeFrom(data);
  const kind = take.pick(['object', 'lines', 'array']);
  const sizes = [1 + take.number(9), take.number(50)];
  const text = take.rest().toString('utf8');
  const bytes = Buffer.from(text);
  if (kind === 'object') return object(text);
  const split = kind === 'lines' ? splitLines : splitArray;
  const read = (cut: readonly number[]) =>
    outcome(async () =>
      (await collect(split(inChunks(bytes, cut), MAX_RECORD)))
        .flat()
        .map(({ line, offset, text: piece }) => ({ line, offset, piece: piece.toString('hex') })),
    );
  const whole = await read([bytes.length + 1]);
  const pieces = await read(sizes);
  must(whole.ok === pieces.ok, 'chunks decide whether it can be read', sizes);
  if (!whole.ok || !pieces.ok) {
    must(kind === 'array', 'a line may be of any text');
    must(elementsOf(text) === undefined, 'a good array is refused', !whole.ok && whole.refusal.message);
    return;
  }
  must(
    JSON.stringify(whole.value) === JSON.stringify(pieces.value),
    'chunks of any size give the same records',
    whole.value,
    pieces.value,
  );
  const lineEnds = [...text.matchAll(/\r\n|\n|\r/g)].map(({ index, 0: end }) =>
    Buffer.byteLength(text.slice(0, index + end.length)),
  );
  for (const { line, offset, piece } of whole.value) {
    must(bytes.toString('hex', offset, offset + piece.length / 2) === piece, 'a record is not where it is said to be');
    must(line === 1 + lineEnds.filter((end) => end <= offset).length, 'a record is on another line', line);
  }
  if (kind === 'lines') {
    const expected = text.split(/\r\n|\n|\r/).filter((line) => /[^ \t]/.test(line));
    must(
      JSON.stringify(expected.map((line) => Buffer.from(line).toString('hex'))) ===
        JSON.stringify(whole.value.map(({ piece }) => piece)),
      'lines differ',
    );
  } else {
    const elements = elementsOf(text);
    must(
      elements === undefined || elements === whole.value.length,
      'an array of another length',
      elements,
      whole.value.length,
    );
    // Where each element is good JSON, the whole must be.
    const good = whole.value.every(({ piece }) => isJson(Buffer.from(piece, 'hex').toString()));
    if (good && text.trim() !== '')
      must(elements !== undefined || DEEP.test(text), 'a broken array is read as a good one', text);
  }
}

function object(text: string): void {
  const read = readObject(text);
  const expected = readReferenceObject(text);
  if (read.ok) {
    must(expected.ok, 'what is no object with good names is read', read.fields, expected);
    const sorted = (fields: readonly [string, string | undefined][]) =>
      JSON.stringify(fields.map(([name, value]) => [name, value ?? null]).sort());
    must(sorted(read.fields) === sorted(expected.fields), 'the fields differ', read.fields, expected.fields);
    return;
  }
  must(/^[A-Z_]+$/.test(read.code) && read.reason !== '', 'a fault without a code or reason', read);
  if (['JSON_TOO_DEEP', 'LONE_SURROGATE', 'NUL_BYTE'].includes(read.code)) return;
  must(!expected.ok, 'a good object is refused', read, text);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
