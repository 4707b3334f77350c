import type { Money } from '../model.ts';
import { compileCoerce, type Fault, isPersonal, typeOf } from './coerce.ts';
import { type Column, cellOf, parseTemplate } from './columns.ts';
import type { FieldSettings } from './field-settings.ts';
import { compileAmount, isCurrency, MONEY_LOCALES } from './money.ts';
import { cleanText, found, masked, stripControls } from './text.ts';

type Values = readonly (string | undefined)[];

/** A data field, compiled. */
export interface Field {
  readonly name: string;
  /** The value to send; `undefined` where there is none, or where `fault.code` is set. */
  read(values: Values, fault: Fault): string | undefined;
  /** The amount that the last `read` found, for fields of type money. */
  money: Money | undefined;
}

/** Turns a field's settings into a closure over its columns. */
export function compileField(name: string, settings: FieldSettings, columnOf: (name: string) => Column): Field {
  const where = settings.from === undefined ? `field "${name}"` : `column "${settings.from}"`;
  const personal = isPersonal(name, settings);
  const show = (text: string) => (personal ? masked(text) : found(text));
  const source = compileSource(settings, columnOf);
  const empty = settings.empty === undefined ? undefined : new Set(settings.empty);
  const map = settings.map === undefined ? undefined : new Map(Object.entries(settings.map));
  const otherwise = map?.get('*');
  map?.delete('*');
  const allowed = map === undefined ? '' : listed([...map.keys()]);
  const coerce = compileCoerce(name, settings, where);
  const field: Field = { name, money: undefined, read: () => undefined };
  const amount = typeOf(name, settings) === 'money' ? compileMoney(field, settings, columnOf, where) : undefined;
  const { trim, lower } = settings;
  const strip = settings.controlChars === 'strip';
  const fallback = settings.default;

  const convert = (text: string, values: Values, fault: Fault): string | undefined => {
    if (amount !== undefined) return amount(text, values, fault);
    return coerce === undefined ? text : coerce(text, fault);
  };
  const missing = (values: Values, fault: Fault): string | undefined => {
    if (fallback !== undefined) return convert(fallback, values, fault);
    if (settings.required) {
      fault.code = 'FIELD_REQUIRED';
      fault.reason = `${where}: found nothing; ${name} is required`;
    }
    return undefined;
  };

  field.read = (values, fault) => {
    field.money = undefined;
    const raw = source(values);
    if (raw === undefined) return missing(values, fault);
    const trimmed = trim ? raw.trim() : raw;
    if (trimmed === '' || empty?.has(trimmed)) return missing(values, fault);
    let text = cleanText(trimmed);
    if (text === undefined) {
      if (!strip) {
        fault.code = 'CONTROL_CHARS';
        fault.reason = `${where}: found control characters in ${show(trimmed)}; the field may say controlChars: strip`;
        return undefined;
      }
      text = stripControls(trimmed);
    }
    if (lower) text = text.toLowerCase();
    if (map !== undefined) {
      const mapped = map.get(text) ?? otherwise;
      if (mapped === undefined) {
        fault.code = 'VALUE_NOT_MAPPED';
        fault.reason = `${where}: found ${show(text)}; allowed: ${allowed}`;
        return undefined;
      }
      text = mapped;
    }
    return text === '' ? missing(values, fault) : convert(text, values, fault);
  };
  return field;
}

function compileSource(
  settings: FieldSettings,
  columnOf: (name: string) => Column,
): (values: Values) => string | undefined {
  if (settings.from !== undefined) {
    const column = columnOf(settings.from);
    return (values) => cellOf(column, values);
  }
  if (settings.template === undefined) {
    const text = settings.const;
    return () => text;
  }
  const parts = parseTemplate(settings.template).map((part) => ('column' in part ? columnOf(part.column) : part.text));
  return (values) => {
    let text = '';
    for (const part of parts) {
      if (typeof part === 'string') {
        text += part;
        continue;
      }
      const value = cellOf(part, values)?.trim();
      if (value === undefined || value === '') return undefined;
      text += value;
    }
    return text;
  };
}

function compileMoney(
  field: Field,
  settings: FieldSettings,
  columnOf: (name: string) => Column,
  where: string,
): (text: string, values: Values, fault: Fault) => string | undefined {
  const locale = settings.locale ?? 'plain';
  const negative = settings.negative === true;
  const read = compileAmount({ locale, negative });
  const rule = `allowed: an amount written as ${MONEY_LOCALES[locale].example}${negative ? '' : ', not below zero'}`;
  const currencyOf = compileCurrency(settings, columnOf);
  return (text, values, fault) => {
    const currency = currencyOf(values, fault);
    if (currency === undefined) return undefined;
    const amount = read(text, currency);
    if (amount === undefined) {
      fault.code = 'MONEY_INVALID';
      fault.reason = `${where}: found ${found(text)}; ${rule}, in ${currency}`;
      return undefined;
    }
    field.money = { currency, units: amount.units };
    return amount.text;
  };
}

function compileCurrency(
  { currency }: FieldSettings,
  columnOf: (name: string) => Column,
): (values: Values, fault: Fault) => string | undefined {
  if (currency === undefined || typeof currency === 'string') return () => currency;
  const column = columnOf(currency.from);
  const allowed = currency.allowed === undefined ? undefined : new Set(currency.allowed);
  const rule = allowed === undefined ? 'a currency code such as USD is needed' : `allowed: ${listed([...allowed])}`;
  return (values, fault) => {
    const code = cellOf(column, values)?.trim() || currency.default;
    if (code !== undefined && (allowed === undefined ? isCurrency(code) : allowed.has(code))) return code;
    fault.code = 'MONEY_INVALID';
    fault.reason = `column "${column.name}": found ${found(code ?? '')} as the currency; ${rule}`;
    return undefined;
  };
}

/** At most ten of them. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}
