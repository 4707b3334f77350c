/** The last part of a link: what a person may read out on the telephone. */

/** Extole's rules: 4 to 50 letters, digits, dashes and underscores. */
const LEAST = 4;
const MOST = 50;
const CODE = /^[A-Za-z0-9_-]{4,50}$/;

/** Letters that do not come apart into a plain one and an accent. */
const FOLDED: Readonly<Record<string, string>> = {
  ß: 'ss',
  ẞ: 'Ss',
  æ: 'ae',
  Æ: 'Ae',
  œ: 'oe',
  Œ: 'Oe',
  ø: 'o',
  Ø: 'O',
  ł: 'l',
  Ł: 'L',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'Th',
  ı: 'i',
};

export function isCode(text: string): boolean {
  return CODE.test(text);
}

/**
 * What Extole takes of a text: accents folded, everything else but letters, digits, - and _ left out, at most 50. May
 * be too short, or empty, as for a name that is not written in Latin letters.
 */
export function cleanCode(text: string): string {
  return text
    .replace(/[ßẞæÆœŒøØłŁđĐðÐþÞı]/g, (letter) => FOLDED[letter] ?? '')
    .normalize(`NFKD`)
    .replace(/[^A-Za-z0-9_-]/g, '')
    .replace(/^[-_]+/, '')
    .slice(0, MOST);
}

/**
 * Codes of our own to try, one after the other: `anna`, `anna2`, `anna3`, then with more and more of the last digits of Extole's
 * id of the person, which nobody else has. One that is too short is filled with zeros: `Al` is `Al01`. None where `base` is empty.
 */
export function* codesFor(base: string, personId: string): Generator<string> {
  if (base === '') return;
  if (base.length >= LEAST) yield base;
  for (let n = base.length >= LEAST ? 2 : 1; n <= 3; n += 1) yield numbered(base, String(n));
  const digits = personId.replace(/[^A-Za-z0-9]/g, '');
  for (const length of [4, 6, 8, 12]) {
    if (length < digits.length) yield numbered(base, digits.slice(-length));
  }
  if (digits !== '') yield numbered(base, digits);
}

function numbered(base: string, number: string): string {
  const zeros = '0'.repeat(Math.max(0, LEAST - base.length - number.length));
  // A number after a digit would make another number of it.
  const dash = zeros === '' && /\d$/.test(base) ? '-' : '';
  const tail = `${dash}${zeros}${number}`.slice(-MOST);
  return base.slice(0, MOST - tail.length) + tail;
}

/** What Extole suggests instead of a code that is taken, as far as it keeps its own rules. It documents the name, not the shape. */
export function suggestionsOf(parameters: unknown): string[] {
  if (typeof parameters !== 'object' || parameters === null || !('code_suggestions' in parameters)) return [];
  const { code_suggestions: found } = parameters;
  const texts: unknown[] = Array.isArray(found) ? found : typeof found === 'string' ? found.split(/[\s,;"[\]]+/) : [];
  return texts.filter((text): text is string => typeof text === 'string' && isCode(text));
}
