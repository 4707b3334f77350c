import type { Money } from '../model.ts';

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
 * separators, groups of other than three digits, more decimals than the currency has (zeros may follow), exponents.
 */
export function compileAmount(options: {
  locale: MoneyLocale;
  negative: boolean;
}): (text: string, currency: string) => Amount | undefined {
  const { group, decimal } = MONEY_LOCALES[options.locale];
  const d = escaped(decimal);
  const plainWhole = '\\d{1,15}';
  const whole =
    group === '' ? plainWhole : `(?:${plainWhole}|\\d{1,3}(?:([${escaped(group)}])\\d{3})(?:\\1\\d{3}){0,3})`;
  const pattern = new RegExp(`^(${options.negative ? '-?' : ''})(${whole})(?:${d}(\\d{1,12}))?$`);
  const wholeGroups = group === '' ? 3 : 4;
  const separators = group === '' ? undefined : new RegExp(`[${escaped(group)}]`, 'g');
  return (text, currency) => {
    const match = pattern.exec(options.locale === 'plain' ? text : withoutSymbol(text, currency));
    if (match === null) return undefined;
    const digits = separators === undefined ? (match[2] ?? '') : (match[2] ?? '').replace(separators, '');
    const fraction = match[wholeGroups] ?? '';
    const decimals = currencyDecimals(currency);
    if (fraction.length > decimals && !/^0*$/.test(fraction.slice(decimals))) return undefined;
    const kept = fraction.slice(0, decimals).padEnd(decimals, '0');
    const trimmed = digits.replace(/^0+(?=\d)/, '');
    const unsigned = BigInt(trimmed + kept.padEnd(SCALE, '0'));
    const minus = match[1] === '-' && unsigned !== 0n;
    const body = decimals === 0 ? trimmed : `${trimmed}.${kept}`;
    return { units: minus ? -unsigned : unsigned, text: minus ? `-${body}` : body };
  };
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

/** An amount and its currency. */
export function moneyOf(amount: Amount, currency: string): Money {
  return { currency, units: amount.units };
}

function escaped(characters: string): string {
  return characters.replace(/[.\\\]^-]/g, '\\$&');
}
