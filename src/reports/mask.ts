/** Values in reasons are personal data more often than not. Reports show their shape only; the results file has them whole. */

/** Text in quotes; a lone apostrophe is no quote. The name of a column is ours, and is matched so that it can be passed
 * over. What is not closed goes on to the end. */
const QUOTED =
  /\bcolumn "(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*(?:"|\\?$)|“[^”]*(?:”|$)|`[^`]*`|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu;
// Begins where a word does: from each of its letters anew, a long word without a sign would be read as often as it is long.
const EMAIL = /(?<![^\s@"“”<>(),;:])[^\s@"“”<>(),;:]+@[^\s@"“”<>(),;]+/gu;
/** What our own messages give as an example. */
const EXAMPLE = 'name@example.com';
const NUMBER = /\d(?:[\d .()-]*\d)?/g;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;
const MANY_DIGITS = 7;
const LINE = /\blines? $/;
const LONGEST = 48;

/** Letters become x, digits 9; punctuation stays, so that `"02/30/2026"` reads `"99/99/9999"`. */
export function maskReason(reason: string): string {
  return reason
    .replace(QUOTED, (text) => (text.startsWith('column ') ? text : maskQuoted(text)))
    .replace(EMAIL, (text) => (text === EXAMPLE ? text : maskValue(text)))
    .replace(NUMBER, (text, at: number, whole: string) => (isTelling(text, whole, at) ? maskValue(text) : text));
}

const CLOSING: Readonly<Record<string, string>> = { '“': '”' };

function maskQuoted(text: string): string {
  const closed = text.length > 1 && text.endsWith(CLOSING[text.charAt(0)] ?? text.charAt(0));
  return (
    text.charAt(0) + maskValue(text.slice(1, closed ? -1 : undefined)) + (closed ? text.charAt(text.length - 1) : '')
  );
}

export function maskValue(value: string): string {
  const shape = value
    .replace(/\p{Lu}/gu, 'X')
    .replace(/[\p{L}\p{M}]/gu, (c) => (c === 'X' ? c : 'x'))
    .replace(/\p{N}/gu, '9');
  const characters = [...shape];
  return characters.length <= LONGEST
    ? shape
    : `${characters.slice(0, LONGEST).join('')}… (${characters.length} characters)`;
}

const FILE_ENDING = /^\.[a-z]{2,5}\b/i;

/** An account or telephone number, rather than a date, the number of a line or part of a file's name. */
function isTelling(text: string, whole: string, at: number): boolean {
  if (text.replace(/\D/g, '').length < MANY_DIGITS) return false;
  if (ISO_DATE.test(text) || LINE.test(whole.slice(Math.max(0, at - 6), at))) return false;
  return !FILE_ENDING.test(whole.slice(at + text.length));
}
