/** What we need of Extole's answers: ids as exact text, error bodies, lists. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** The body as a JSON object, or `undefined`. */
export function jsonObject(body: string): JsonObject | undefined {
  const value = parse(body);
  return isObject(value) ? value : undefined;
}

/** The body as a JSON object, whole numbers as exact text, or `undefined`. */
export function exactObject(body: string): JsonObject | undefined {
  const value = parse(body, exactIntegers);
  return isObject(value) ? value : undefined;
}

/** The body as an array of JSON objects, whole numbers as exact text, or `undefined`. */
export function jsonObjects(body: string): JsonObject[] | undefined {
  const value = parse(body, exactIntegers);
  return Array.isArray(value) && value.every(isObject) ? value : undefined;
}

/**
 * An id of the body's top level, as text. Extole documents ids as strings of int64; should one come as a number, its
 * digits are taken from the source text, because a parsed number is rounded above 2^53.
 */
export function idText(object: JsonObject, name: string, body: string): string | undefined {
  let value = object[name];
  if (typeof value === 'number') {
    const exact = parse(body, exactIntegers);
    value = isObject(exact) ? exact[name] : undefined;
  }
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

const exactIntegers: Reviver = (_key, value, context) => {
  const source = context?.source;
  return typeof value === 'number' && source !== undefined && /^\d+$/.test(source) ? source : value;
};

function parse(body: string, reviver?: Reviver): unknown {
  try {
    return JSON.parse(body, reviver);
  } catch {
    return undefined;
  }
}
