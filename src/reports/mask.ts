/** Values in reasons are personal data more often than not. Reports show their shape only; the results file has them whole. */

const QUOTED = /"[^"]*"|“[^”]*”|`[^`]*`|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu;
const EMAIL = /[^\s@"“”<>(),;:]+@[^\s@"“”<>(),;]+/gu;
const LONG_NUMBER = /\d(?:[\d\s.()-]*\d)?/g;
const MANY_DIGITS = 6;
const LONGEST = 48;

/** Letters become x, digits 9; punctuation stays, so that `"02/30/2026"` reads `"99/99/9999"`. */
export function maskReason(reason: string): string {
  return reason
    .replace(QUOTED, (text) => text.charAt(0) + maskValue(text.slice(1, -1)) + text.charAt(text.length - 1))
    .replace(EMAIL, maskValue)
    .replace(LONG_NUMBER, (text) => (digitsIn(text) >= MANY_DIGITS ? maskValue(text) : text));
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

function digitsIn(text: string): number {
  let count = 0;
  for (const character of text) if (character >= '0' && character <= '9') count++;
  return count;
}
