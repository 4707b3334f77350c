/** Digits in groups, as people write numbers; other numbers may stand beside the one that counts. */
const CANDIDATE = /\d(?:[ \u00a0.-]?\d){12,}/g;
const GROUP = /\d+/g;
/** How the numbers of card companies begin; dates such as 20261120 do not. */
const ISSUED = /^(?:4|5|6|3[04-9]|2[2-7])/;
const SHORTEST = 13;
const LONGEST = 19;
const SSN = /(?<![\d-])(?!000|666|9\d\d)\d{3}([- \u00a0])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])/;

/** Whether a value holds something that looks like a payment card number or a US social security number. */
export function looksLikePan(value: string): boolean {
  if (value.length < 11) return false;
  if (SSN.test(value)) return true;
  for (const [candidate] of value.matchAll(CANDIDATE)) {
    if (someGroupsMake(candidate.match(GROUP) ?? [])) return true;
  }
  return false;
}

/** Whether neighbouring groups of digits make a card number together: what stands before or behind it is left out in turn. */
function someGroupsMake(groups: readonly string[]): boolean {
  for (let from = 0; from < groups.length; from += 1) {
    let digits = '';
    for (let to = from; to < groups.length && digits.length <= LONGEST; to += 1) {
      digits += groups[to];
      if (digits.length < SHORTEST || digits.length > LONGEST) continue;
      if (ISSUED.test(digits) && luhn(digits)) return true;
    }
  }
  return false;
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
