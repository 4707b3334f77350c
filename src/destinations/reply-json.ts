/** What is taken of a provider's JSON: nothing in it is where it should be until it was looked at. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** The body as a JSON object, or `undefined`. */
export function jsonObject(body: string): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}

export function objectOf(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** The elements of an array; none where it is no array. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
