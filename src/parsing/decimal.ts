/** An exact decimal: units × 10^-scale. */
export interface Decimal {
  units: bigint;
  scale: number;
}

const NUMBERS = {
  '.': /^([+-]?)(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d*))?$/,
  ',': /^([+-]?)(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d*))?$/,
} as const;

/** Nothing is zero; undefined is no number. Longer than 40 digits is no amount, and slow to add. */
export function decimal(text: string, mark: '.' | ','): Decimal | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return { units: 0n, scale: 0 };
  if (trimmed.length > 40) return undefined;
  const match = NUMBERS[mark].exec(trimmed);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  const units = BigInt(whole.replace(/[.,]/g, '') + fraction);
  return { units: sign === '-' ? -units : units, scale: fraction.length };
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: a.units * 10n ** BigInt(scale - a.scale) + b.units * 10n ** BigInt(scale - b.scale), scale };
}

export function written({ units, scale }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const cut = digits.length - scale;
  return `${units < 0n ? '-' : ''}${digits.slice(0, cut)}${scale > 0 ? `.${digits.slice(cut)}` : ''}`;
}
