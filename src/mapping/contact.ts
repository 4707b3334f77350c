/** Longest e-mail that Extole takes. */
export const EMAIL_LIMIT = 256;

const ASCII_EMAIL =
  /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,63}|xn--[a-z0-9-]{2,59})$/;
const UNICODE_EMAIL =
  /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~.-]+@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?\.)+[\p{L}\p{N}\p{M}-]{2,63}$/u;

/** The address in lower case, or `undefined` where it is not exactly one address. Call it with at most 256 characters. */
export function parseEmail(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (ASCII_EMAIL.test(lower)) return lower;
  return UNICODE_EMAIL.test(lower) ? lower : undefined;
}

/**
 * A telephone number as `+` and 7 to 15 digits, or `undefined`. A number without `+` or `00` is completed with the calling
 * code where one is declared; North American ones (`1`) must then have ten digits.
 */
export function parsePhone(text: string, callingCode: string | undefined): string | undefined {
  const digits = digitsOf(text);
  if (digits === undefined) return undefined;
  if (text.startsWith('+')) return international(digits);
  if (digits.startsWith('00')) return international(digits.slice(2));
  if (callingCode === undefined) return undefined;
  if (callingCode === '1') {
    const national = digits.length === 11 && digits.startsWith('1') ? digits.slice(1) : digits;
    return /^[2-9]\d{2}[2-9]\d{6}$/.test(national) ? `+1${national}` : undefined;
  }
  return international(callingCode + digits.replace(/^0/, ''));
}

function international(digits: string): string | undefined {
  if (digits.startsWith('1')) return /^1[2-9]\d{2}[2-9]\d{6}$/.test(digits) ? `+${digits}` : undefined;
  return /^[2-9]\d{6,14}$/.test(digits) ? `+${digits}` : undefined;
}

/** The digits of a number written with blanks, brackets, dots, dashes and slashes; `undefined` for anything else. */
function digitsOf(text: string): string | undefined {
  let digits = '';
  for (let at = text.startsWith('+') ? 1 : 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (character >= '0' && character <= '9') digits += character;
    else if (!' ().-/\u00a0'.includes(character)) return undefined;
  }
  return digits;
}
