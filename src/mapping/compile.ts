import type { Mapped, Money } from '../model.ts';
import type { Fault } from './coerce.ts';
import { type Column, cellOf, columnBinder, foldName, templateColumns } from './columns.ts';
import { compileContent } from './content.ts';
import type { CustomerRows } from './customer-settings.ts';
import { compileCustomers, customerColumns } from './customers.ts';
import { formatDuration } from './duration.ts';
import { compileEventName } from './event-name.ts';
import { compileField, type Field } from './field.ts';
import { fieldSettings } from './field-settings.ts';
import { checkKey } from './key.ts';
import type { SettingsBlock } from './key-shape.ts';
import type { MemberRows } from './member-settings.ts';
import { compileMembers, memberColumns } from './members.ts';
import { compileMoment, createUtcFormat, formatUtc } from './moment.ts';
import { looksLikePan } from './pan.ts';
import { type EventSettings, isReserved } from './settings.ts';
import { found } from './text.ts';

/** How a row is read: as an event, as a customer, or as a member of a segment. */
export type RowSettings = EventSettings | CustomerRows | MemberRows;

export function isCustomers(settings: RowSettings): settings is CustomerRows {
  return 'customers' in settings;
}

export function isEvents(settings: RowSettings): settings is EventSettings {
  return !isCustomers(settings) && !isMembers(settings);
}

export function isMembers(settings: RowSettings): settings is MemberRows {
  return 'members' in settings;
}

/** The part of a job file that says how keys are read. */
export function keySettingsOf(settings: RowSettings): SettingsBlock {
  if (isCustomers(settings)) return 'customers';
  return isMembers(settings) ? 'members' : 'event.key';
}

/** The event names that rows can have; empty where any may come from the file. */
export function possibleNames(settings: RowSettings): string[] {
  if (settings.name !== undefined) return [settings.name];
  return isCustomers(settings) ? [] : [...new Set(settings.allowedNames)];
}

/** The names of what is sent of each row, as far as the settings have them. */
export function fieldsOf(settings: RowSettings): string[] {
  if (isMembers(settings)) return [];
  if (!isCustomers(settings)) return Object.keys(settings.data);
  const { email, partnerUserId, columns } = settings;
  const own = [email === undefined ? [] : 'email', partnerUserId === undefined ? [] : 'partner_user_id'].flat();
  return [...own, ...Object.keys(columns)];
}

/** What the mapping needs to know beside the settings. */
export interface MappingContext {
  fileName: string;
  /** Milliseconds since 1970: what "too old" and "in the future" are measured from. */
  now: number;
  /** A keyed hash of the canonical content: 32 hex digits. Without it the content is not hashed: `contentHash` is empty. */
  hash?: (canonical: string) => string;
}

/** Makes an event of a row, or says why it cannot. Never throws. */
export type RowMapper = (values: readonly (string | undefined)[], line: number) => Mapped;

/**
 * Compiles the settings once into a function for each row of a file. `columns` may grow while the file is read. Columns
 * that the file lacks give no value, so that the definition of an older processing can be applied to a newer file.
 *
 * The first fault found is the row's: card numbers (where asked for), event name, key, time, then the fields in the order
 * of the job file, then whether the row names a person.
 */
export function compileMapping(settings: RowSettings, columns: readonly string[], context: MappingContext): RowMapper {
  if (isMembers(settings)) return compileMembers(settings, columns, context);
  return isCustomers(settings)
    ? compileCustomers(settings, columns, context)
    : compileEvents(settings, columns, context);
}

function compileEvents(settings: EventSettings, columns: readonly string[], context: MappingContext): RowMapper {
  const binder = columnBinder(columns);
  const columnOf = (name: string) => binder.column(name);
  const nameColumn = settings.nameColumn === undefined ? undefined : columnOf(settings.nameColumn);
  const readName = compileEventName(settings, nameColumn, context.fileName);
  const keyColumn = columnOf(settings.key.from);
  const readTime = compileTime(settings, columnOf(settings.time.from), context.now);
  const mapped = Object.entries(settings.data).map(([name, field]) => compileField(name, field, columnOf));
  const orderColumn =
    settings.orderBy === undefined || Object.hasOwn(settings.data, settings.orderBy)
      ? undefined
      : columnOf(settings.orderBy);
  const panColumns = Array.isArray(settings.panCheck) ? settings.panCheck.map(columnOf) : [];
  const content = compileContent(settings);
  const timeText = createUtcFormat();

  let fields: Field[] = mapped;
  let moneyField: Field | undefined;
  let pan: Column[] = panColumns;
  const rebind = () => {
    fields = [...mapped, ...passthroughFields(settings, columns, columnOf)];
    const amounts = fields.filter(({ name }) => settings.data[name]?.type === 'money');
    moneyField = amounts.find(({ name }) => name === 'cart_value') ?? amounts[0];
    if (settings.panCheck === true) pan = columns.map(columnOf).filter((column) => column !== keyColumn);
    content.bind(fields);
  };
  binder.bind();
  rebind();

  const fault: Fault = { code: '', reason: '' };
  const sent: (string | undefined)[] = [];
  const reject = (key?: string): Mapped => {
    const refusal = { ok: false as const, code: fault.code, reason: fault.reason };
    return key === undefined ? refusal : { ...refusal, key };
  };

  return (values, line) => {
    if (binder.bind()) rebind();
    fault.code = '';
    if (pan.length > 0 && holdsPan(pan, values, fault)) return reject();
    const eventName = readName(values, fault);
    const verdict = checkKey(cellOf(keyColumn, values), keyColumn.name, settings.key);
    if (eventName === undefined) return reject(verdict.ok ? verdict.key : undefined);
    if (!verdict.ok) return verdict;
    const { key } = verdict;
    const eventMs = readTime(values, fault);
    if (eventMs === undefined) return reject(key);
    const eventTime = timeText(eventMs);

    const data: Record<string, string> = { partner_conversion_id: key };
    for (let slot = 0; slot < fields.length; slot += 1) {
      const field = fields[slot];
      if (field === undefined) continue;
      const value = field.read(values, fault);
      sent[slot] = value;
      if (value !== undefined) data[field.name] = value;
      else if (fault.code !== '') return reject(key);
    }
    const { email, partner_user_id: userId } = data;
    if (email === undefined && userId === undefined) {
      fault.code = 'IDENTITY_MISSING';
      fault.reason = 'found neither email nor partner_user_id; one of them is needed';
      return reject(key);
    }
    const person = email ?? userId ?? '';
    let orderKey = userId ?? person;
    if (orderColumn !== undefined) orderKey = cellOf(orderColumn, values)?.trim() ?? '';
    else if (settings.orderBy !== undefined) orderKey = data[settings.orderBy] ?? '';
    const money: Money | undefined = moneyField?.money;
    const contentHash = context.hash ? context.hash(content.canonical(eventName, eventTime, sent)) : '';
    const event = { line, key, eventName, eventTime, data };
    return money === undefined
      ? { ok: true, event, contentHash, orderKey, eventMs, person }
      : { ok: true, event, contentHash, orderKey, eventMs, person, money };
  };
}

/** Every column that the mapping reads, each once, in the order of the settings: what the header must hold. */
export function requiredColumns(settings: RowSettings): string[] {
  if (isCustomers(settings)) return customerColumns(settings);
  if (isMembers(settings)) return memberColumns(settings);
  const names = [settings.key.from, settings.time.from];
  if (settings.nameColumn !== undefined) names.push(settings.nameColumn);
  for (const field of Object.values(settings.data)) {
    if (field.from !== undefined) names.push(field.from);
    if (field.template !== undefined) names.push(...templateColumns(field.template));
    if (typeof field.currency === 'object') names.push(field.currency.from);
  }
  if (Array.isArray(settings.passthrough)) names.push(...settings.passthrough);
  if (settings.orderBy !== undefined && !Object.hasOwn(settings.data, settings.orderBy)) names.push(settings.orderBy);
  if (Array.isArray(settings.panCheck)) names.push(...settings.panCheck);
  const spelled = new Map<string, string>();
  for (const name of names) if (!spelled.has(foldName(name))) spelled.set(foldName(name), name);
  return [...spelled.values()];
}

function compileTime(
  settings: EventSettings,
  column: Column,
  now: number,
): (values: readonly (string | undefined)[], fault: Fault) => number | undefined {
  const read = compileMoment(settings.time);
  const where = `column "${column.name}"`;
  const oldest = now - settings.maxAge;
  const newest = now + settings.maxAhead;
  return (values, fault) => {
    const text = cellOf(column, values)?.trim() ?? '';
    if (text === '') {
      fault.code = 'TIME_MISSING';
      fault.reason = `${where}: found nothing; every row needs the time of its event`;
      return undefined;
    }
    const moment = read(text);
    if (!moment.ok) {
      fault.code = moment.code;
      fault.reason = `${where}: found ${found(text)}; ${moment.rule}`;
      return undefined;
    }
    if (moment.ms >= oldest && moment.ms <= newest) return moment.ms;
    const future = moment.ms > newest;
    const limit = future
      ? `at most ${formatDuration(settings.maxAhead)} ahead of now (event.maxAhead)`
      : `at most ${formatDuration(settings.maxAge)} ago (event.maxAge)`;
    fault.code = future ? 'TIME_FUTURE' : 'TIME_TOO_OLD';
    fault.reason = `${where}: found ${found(text)}, that is ${formatUtc(moment.ms)}; allowed: ${limit}`;
    return undefined;
  };
}

/** Fields for the columns that are sent under their own names. */
function passthroughFields(
  settings: EventSettings,
  columns: readonly string[],
  columnOf: (name: string) => Column,
): Field[] {
  const { passthrough } = settings;
  if (passthrough === undefined) return [];
  const used = new Set([settings.key.from, settings.time.from, settings.nameColumn ?? ''].map(foldName));
  for (const field of Object.values(settings.data)) {
    if (field.from !== undefined) used.add(foldName(field.from));
    for (const column of templateColumns(field.template ?? '')) used.add(foldName(column));
  }
  const names = passthrough === true ? columns.filter((name) => name !== '' && !used.has(foldName(name))) : passthrough;
  return names
    .filter((name) => !isReserved(name) && !Object.hasOwn(settings.data, name))
    .map((name) => compileField(name, fieldSettings.parse(name), columnOf));
}

function holdsPan(columns: readonly Column[], values: readonly (string | undefined)[], fault: Fault): boolean {
  for (const column of columns) {
    if (!looksLikePan(cellOf(column, values) ?? '')) continue;
    fault.code = 'PAN_FOUND';
    fault.reason = `column "${column.name}": found what looks like a card or social security number (not shown); it may not be sent`;
    return true;
  }
  return false;
}
