/** How amounts are written: the character between thousands, and the one before the decimals. */
export const MONEY_LOCALES = {
  plain: { group: '', decimal: '.', example: '1234.50' },
  en: { group: ',', decimal: '.', example: '1,234.50' },
  de: { group: '.', decimal: ',', example: '1.234,50' },
  fr: { group: ' \u00a0\u202f', decimal: ',', example: '1 234,50' },
  ch: { group: "'’", decimal: '.', example: "1'234.50" },
} as const;
export type MoneyLocale = keyof typeof MONEY_LOCALES;

/** Decimals that a `Money` can hold. */
const SCALE = 4;

const decimalsByCurrency = new Map<string, number>();

/** Decimals that a currency has: 2 for USD, 0 for JPY, 3 for KWD. At most four. */
export function currencyDecimals(currency: string): number {
  let decimals = decimalsByCurrency.get(currency);
  if (decimals === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency });
    decimals = Math.min(SCALE, format.resolvedOptions().maximumFractionDigits ?? 2);
    decimalsByCurrency.set(currency, decimals);
  }
  return decimals;
}

export interface Amount {
  /** Ten-thousandths of the currency's main unit. */
  units: bigint;
  /** An exact decimal with the currency's own number of decimals: `1234.50`. */
  text: string;
}

/**
 * A reader of amounts in one notation. It answers `undefined` for whatever is not exactly an amount in it: other
 * separators, groups of other than three digits, more decimals than the currency has (zeros may follow), exponents,
 * more than 15 digits before the decimals.
 */
export function compileAmount(options: {
  locale: MoneyLocale;
  negative: boolean;
}): (text: string, currency: string) => Amount | undefined {
  const { group, decimal } = MONEY_LOCALES[options.locale];
  return (written, currency) => {
    const text = options.locale === 'plain' ? written : withoutSymbol(written, currency);
    const minus = options.negative && text.startsWith('-');
    const start = minus ? 1 : 0;
    const mark = text.indexOf(decimal);
    const end = mark < 0 ? text.length : mark;
    const whole = readWhole(text, start, end, group);
    if (whole === undefined) return undefined;
    const decimals = currencyDecimals(currency);
    const fraction = mark < 0 ? 0 : readFraction(text, mark + 1, decimals);
    if (fraction === undefined) return undefined;
    const units = unitsOf(whole, fraction * (POWERS[SCALE - decimals] ?? 1));
    const digits = decimals === 0 ? `${whole}` : `${whole}.${String(fraction).padStart(decimals, '0')}`;
    return minus && units !== 0n ? { units: -units, text: `-${digits}` } : { units, text: digits };
  };
}

const POWERS = [1, 10, 100, 1000, 10_000];

/** Digits, in groups of three or not in groups at all. */
function readWhole(text: string, start: number, end: number, group: string): number | undefined {
  let value = 0;
  let digits = 0;
  let inGroup = 0;
  let separator = '';
  for (let at = start; at < end; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit;
      digits += 1;
      inGroup += 1;
      continue;
    }
    const character = text[at] ?? '';
    if (group === '' || !group.includes(character)) return undefined;
    if (separator === '' ? inGroup < 1 || inGroup > 3 : inGroup !== 3 || character !== separator) return undefined;
    separator = character;
    inGroup = 0;
  }
  if (digits === 0 || digits > 15 || (separator !== '' && inGroup !== 3)) return undefined;
  return value;
}

/** The fraction in units of its last allowed decimal. */
function readFraction(text: string, start: number, decimals: number): number | undefined {
  const length = text.length - start;
  if (length < 1 || length > 12) return undefined;
  let value = 0;
  for (let at = 0; at < Math.max(length, decimals); at += 1) {
    const digit = at < length ? text.charCodeAt(start + at) - 48 : 0;
    if (!(digit >= 0 && digit <= 9) || (at >= decimals && digit !== 0)) return undefined;
    if (at < decimals) value = value * 10 + digit;
  }
  return value;
}

/** Numbers are exact up to 2^53; above, the product is made of big integers. */
function unitsOf(whole: number, fraction: number): bigint {
  return whole < 900_000_000_000 ? BigInt(whole * 10_000 + fraction) : BigInt(whole) * 10_000n + BigInt(fraction);
}

const symbols = new Map<string, string>();

/** The text without the declared currency's own sign or code before or after it: `$5`, `5 €`, `USD 5`. */
function withoutSymbol(text: string, currency: string): string {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  const digitOrMinus = (code: number) => (code >= 48 && code <= 57) || code === 45;
  if (digitOrMinus(first) && digitOrMinus(last)) return text;
  for (const symbol of [symbolOf(currency), currency]) {
    if (text.startsWith(symbol)) return text.slice(symbol.length).trimStart();
    if (text.endsWith(symbol)) return text.slice(0, -symbol.length).trimEnd();
  }
  return text;
}

function symbolOf(currency: string): string {
  let symbol = symbols.get(currency);
  if (symbol === undefined) {
    const format = new Intl.NumberFormat('en', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });
    symbol = format.formatToParts(1).find((part) => part.type === 'currency')?.value ?? currency;
    symbols.set(currency, symbol);
  }
  return symbol;
}

/** Whether a text is a currency's code as ISO 4217 writes it, and one that this runtime knows. */
export function isCurrency(text: string): boolean {
  return /^[A-Z]{3}$/.test(text) && KNOWN_CURRENCIES.has(text);
}

const KNOWN_CURRENCIES = new Set(Intl.supportedValuesOf('currency'));
