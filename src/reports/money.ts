/** Exact amounts as text. Units are ten-thousandths of the currency's main unit, as in the model. */

const SCALE = 10_000n;

/** Prints with the fewest of two to four decimals: `12.50`, `0.0001`, `-3.125`. */
export function formatUnits(units: bigint): string {
  const magnitude = units < 0n ? -units : units;
  const decimals = (magnitude % SCALE)
    .toString()
    .padStart(4, '0')
    .replace(/0{1,2}$/, '');
  return `${units < 0n ? '-' : ''}${magnitude / SCALE}.${decimals}`;
}

const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,4}))?$/;

/** Reads what `formatUnits` printed. Throws where the text is no amount, since a total must never be guessed. */
export function parseUnits(text: string): bigint {
  const match = AMOUNT.exec(text);
  if (match === null)
    throw new Error(`money total "${text}": expected digits with at most four decimals, such as 12.50`);
  const units = BigInt(match[2] ?? '0') * SCALE + BigInt((match[3] ?? '').padEnd(4, '0'));
  return match[1] === '-' ? -units : units;
}

/** Thousands apart, for people: `1,234,567.50`. */
export function groupAmount(text: string): string {
  const [whole = '', decimals] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

/** Thousands apart: `1,234`. */
export function groupCount(count: number): string {
  return groupAmount(String(count));
}
