const CANDIDATE = /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g;
const SSN = /(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/;

/** Whether a value holds something that looks like a payment card number or a US social security number. */
export function looksLikePan(value: string): boolean {
  if (value.length < 11) return false;
  if (SSN.test(value)) return true;
  for (const [candidate] of value.matchAll(CANDIDATE)) {
    const digits = candidate.replace(/[ -]/g, '');
    if (/^[23456]/.test(digits) && luhn(digits)) return true;
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
