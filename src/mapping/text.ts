/** Whether a value needs no second look: printable ASCII. A loop, since a pattern costs several times as much on short texts. */
export function isPlain(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is what this is for
const CONTROL_ALL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** A value in Unicode's composed form; `undefined` where it holds control characters or half a character. */
export function cleanText(value: string): string | undefined {
  if (isPlain(value)) return value;
  if (CONTROL.test(value) || !value.isWellFormed()) return undefined;
  return value.normalize('NFC');
}

/** The same value without its control characters and halves of characters. */
export function stripControls(value: string): string {
  return value
    .replace(CONTROL_ALL, '')
    .replace(/\p{Cs}/gu, '')
    .normalize('NFC');
}

/** How many characters a person would count: code points, not UTF-16 units. */
export function codePoints(value: string): number {
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

/** Whether a value has more code points than allowed, without counting those of an obviously short one. */
export function longerThan(value: string, limit: number): boolean {
  return value.length > limit && codePoints(value) > limit;
}

const SHOWN = 40;

/** Telephone, card and social security numbers have nine digits or more; so have times, which are no secret. */
const LONG_NUMBER = /\d(?:[ ().-]{0,2}\d){8}/;
const CLOCK = /\d:\d\d/;

/** A value as an error may show it: quoted, cut, control characters escaped; only its length where it looks personal. */
export function found(value: string): string {
  if (value === '') return 'nothing';
  if (value.includes('@') || (LONG_NUMBER.test(value) && !CLOCK.test(value))) return masked(value);
  return quote(value);
}

/** A value quoted in full, for ids that are not personal; control characters escaped, cut at 40 characters. */
export function quote(value: string): string {
  const points = [...value.slice(0, SHOWN * 2)];
  const text = JSON.stringify(points.slice(0, SHOWN).join('')).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return points.length > SHOWN ? `${text.slice(0, -1)}…"` : text;
}

/** Says as much of a personal value as is needed to find it, and no more. */
export function masked(value: string): string {
  const count = codePoints(value);
  return `a value of ${count} character${count === 1 ? '' : 's'} (not shown)`;
}
