export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON object whose whole numbers too long for JavaScript are text, as ids have to be; `undefined` where it is none. */
export function readObject(text: string): JsonObject | undefined {
  try {
    return objectOf(JSON.parse(text, keepLongNumbers));
  } catch {
    return undefined;
  }
}

export function objectOf(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined;
}

/** Text, or the text of a whole number: what ids come as. `undefined` in all else, and where there is nothing but spaces. */
export function textOf(value: unknown): string | undefined {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && text.trim() !== '' ? text : undefined;
}

function keepLongNumbers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? context.source : value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
