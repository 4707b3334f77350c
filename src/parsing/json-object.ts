import { isReserved } from './header.ts';
import { tellName } from './tell-name.ts';

/** What one JSON object says, flattened: `{"a":{"b":1}}` is the field `a.b`. `undefined` stands for null. */
export type ObjectFields =
  | { ok: true; fields: [name: string, value: string | undefined][] }
  | { ok: false; code: string; reason: string };

/** A number as the file writes it: `9007199254740993`, `25.20` and `1E5` would not survive becoming a number. */
class NumberText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const MAX_DEPTH = 64;
const HAS_NUMBER = /[:[,]\s*-?\d/;

/** Reads the text of one object. A text that is none is a reason, never an error. */
export function readObject(text: string): ObjectFields {
  const shape = measure(text);
  if (shape.depth > MAX_DEPTH) return fault('JSON_TOO_DEEP', `nested more than ${MAX_DEPTH} levels deep`);
  let value: unknown;
  try {
    value = HAS_NUMBER.test(text) ? JSON.parse(text, keepNumberText) : JSON.parse(text);
  } catch (error) {
    return fault('JSON_INVALID', invalid(text, error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberText) {
    return fault('JSON_NOT_OBJECT', `an object in braces is expected, found ${kindOf(value)}`);
  }
  const walk: Walk = { fields: [], keys: 0, problem: undefined };
  flatten(value, '', walk);
  if (walk.problem) return walk.problem;
  // The parser keeps the last of two equal keys; each key has one colon, so a missing one shows.
  if (walk.keys !== shape.colons) return fault('JSON_DUPLICATE_KEY', 'a key occurs twice in one object');
  if (text.includes('\\u')) {
    for (const [name, field] of walk.fields) {
      if (field !== undefined && !field.isWellFormed())
        return fault('LONE_SURROGATE', `${tellName(name)} has half of a surrogate pair, which no text has`);
      if (field?.includes('\0')) return fault('NUL_BYTE', `${tellName(name)} has a NUL character, which no text has`);
    }
  }
  return { ok: true, fields: walk.fields };
}

interface Walk {
  fields: [string, string | undefined][];
  keys: number;
  problem: (ObjectFields & { ok: false }) | undefined;
}

function flatten(object: object, prefix: string, walk: Walk): void {
  for (const [key, value] of Object.entries(object)) {
    walk.keys++;
    if (isReserved(key)) walk.problem ??= fault('JSON_RESERVED_KEY', `the key "${tellName(key)}" is not allowed`);
    if (key.trim() === '') walk.problem ??= fault('JSON_EMPTY_KEY', 'a key is empty');
    const name = prefix + key.trim();
    if (value instanceof NumberText) walk.fields.push([name, value.text]);
    else if (Array.isArray(value)) walk.fields.push([name, compact(value, walk)]);
    else if (typeof value === 'object' && value !== null) flatten(value, `${name}.`, walk);
    else walk.fields.push([name, value === null ? undefined : String(value)]);
  }
}

/** JSON text without spaces, numbers as they were written. Counts the keys of objects inside. */
function compact(value: unknown, walk: Walk): string {
  if (value instanceof NumberText) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => compact(item, walk)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => {
    walk.keys++;
    if (isReserved(key)) walk.problem ??= fault('JSON_RESERVED_KEY', `the key "${tellName(key)}" is not allowed`);
    return `${JSON.stringify(key)}:${compact(member, walk)}`;
  });
  return `{${members.join(',')}}`;
}

function keepNumberText(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? new NumberText(context.source) : value;
}

/** Colons and the depth of nesting outside strings. */
function measure(text: string): { colons: number; depth: number } {
  let colons = 0;
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22:
        i = endOfString(text, i);
        break;
      case 0x3a:
        colons++;
        break;
      case 0x7b:
      case 0x5b:
        if (++depth > deepest) deepest = depth;
        break;
      case 0x7d:
      case 0x5d:
        depth--;
        break;
    }
  }
  return { colons, depth: deepest };
}

/** Index of the quote that closes the string opened at `start`; the end of the text where none does. */
function endOfString(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return value instanceof NumberText ? 'a number' : `a ${typeof value}`;
}

/** Where the text breaks, without quoting it: it holds personal data. */
function invalid(text: string, error: unknown): string {
  const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  if (/,\s*[}\]]/.test(text)) return 'not valid JSON; a comma before a closing bracket is not allowed';
  if (/\}\s*\{/.test(text)) return 'not valid JSON; only one object is allowed here';
  return position === undefined
    ? 'not valid JSON; it breaks off'
    : `not valid JSON at character ${Number(position) + 1} of the record`;
}

function fault(code: string, reason: string): ObjectFields & { ok: false } {
  return { ok: false, code, reason };
}
