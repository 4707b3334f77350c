import { isObject } from '../json.ts';
import { type InputError, wrong } from './errors.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An object with no other fields than these: a field that the contract does not name is a mistake of ours. */
export function fieldsOf(value: unknown, known: readonly string[], what: string): Fields | InputError {
  if (!isObject(value)) return wrong(`Invalid input JSON: ${what} is not an object`);
  const stranger = Object.keys(value).find((field) => !known.includes(field));
  return stranger === undefined ? value : wrong(`Invalid input JSON: unrecognized field "${stranger}" in ${what}`);
}

/** Properties: names to text. */
export function textsOf(value: unknown): Readonly<Record<string, string>> | InputError {
  if (!isObject(value)) return wrong('Invalid input JSON: properties is not an object');
  const texts: Record<string, string> = {};
  for (const [name, one] of Object.entries(value)) {
    if (typeof one !== 'string') return wrong(`Invalid input JSON: the value of ${name} is not text`);
    texts[name] = one;
  }
  return texts;
}

export function isProblem(value: object): value is InputError {
  return 'category' in value && 'message' in value && 'status' in value;
}
