import type { Mapped } from '../model.ts';
import type { Fault } from './coerce.ts';
import { cellOf, columnBinder } from './columns.ts';
import type { MappingContext, RowMapper } from './compile.ts';
import { type CustomerRows, PARTNER_USER_ID_LIMIT } from './customer-settings.ts';
import { compileField } from './field.ts';
import { fieldSettings } from './field-settings.ts';
import { checkKey, isPlaceholder } from './key.ts';
import { formatUtc } from './moment.ts';
import { cleanText, stripControls } from './text.ts';

/**
 * Compiles the settings once into a function for each customer of a file. The key is the person: the lower-cased e-mail, else the
 * company's own id. Nothing else of a customer counts as content, so that the same one under another name is the same.
 */
export function compileCustomers(
  settings: CustomerRows,
  columns: readonly string[],
  context: MappingContext,
): RowMapper {
  const binder = columnBinder(columns);
  const emailColumn = settings.email === undefined ? undefined : binder.column(settings.email);
  const idColumn = settings.partnerUserId === undefined ? undefined : binder.column(settings.partnerUserId);
  const email =
    settings.email === undefined
      ? undefined
      : compileField('email', fieldSettings.parse(settings.email), (name) => binder.column(name));
  const more = Object.entries(settings.columns).map(([name, column]) => ({ name, column: binder.column(column) }));
  const idRules = { ...settings.key, limit: PARTNER_USER_ID_LIMIT };
  // A customer has no time of its own; where one is to be sent, it is that of the file.
  const eventTime = formatUtc(context.now);
  const fault: Fault = { code: '', reason: '' };
  binder.bind();

  return (values, line): Mapped => {
    binder.bind();
    fault.code = '';
    const data: Record<string, string> = {};
    const written = emailColumn && cellOf(emailColumn, values)?.trim();
    const address = email && written && !isPlaceholder(written) ? email.read(values, fault) : undefined;
    if (fault.code !== '') return { ok: false, code: fault.code, reason: fault.reason };
    if (address !== undefined) data.email = address;
    const id = idColumn && cellOf(idColumn, values)?.trim();
    if (idColumn && id && !isPlaceholder(id)) {
      const verdict = checkKey(id, idColumn.name, idRules);
      if (!verdict.ok) return { ...verdict, ...(address === undefined ? {} : { key: address }) };
      data.partner_user_id = verdict.key;
    }
    const key = data.email ?? data.partner_user_id;
    if (key === undefined)
      return {
        ok: false,
        code: 'IDENTITY_MISSING',
        reason: 'found neither e-mail nor partner_user_id; one of them is needed',
      };
    for (const { name, column } of more) {
      const text = cellOf(column, values)?.trim() ?? '';
      if (text !== '') data[name] = cleanText(text) ?? stripControls(text);
    }
    const event = { line, key, eventName: settings.name, eventTime, data };
    const contentHash = context.hash ? context.hash(key) : '';
    return { ok: true, event, contentHash, orderKey: '', eventMs: 0, person: key };
  };
}

/** Every column that is read of a customer, each once. */
export function customerColumns({ email, partnerUserId, columns }: CustomerRows): string[] {
  return [...new Set([email ?? [], partnerUserId ?? [], Object.values(columns)].flat())];
}
