import type { Mapped } from '../model.ts';
import type { Fault } from './coerce.ts';
import { cellOf, columnBinder } from './columns.ts';
import type { MappingContext, RowMapper } from './compile.ts';
import { compileEventName } from './event-name.ts';
import { compileField } from './field.ts';
import { fieldSettings } from './field-settings.ts';
import { checkKey } from './key.ts';
import { ACTION, MEMBER_LIMIT, type MemberRows } from './member-settings.ts';
import { formatUtc } from './moment.ts';
import { found } from './text.ts';

type Action = 'add' | 'remove' | 'drain';
type ReadAction = (values: readonly (string | undefined)[], fault: Fault) => Action | undefined;

const OF_SEGMENTS = { code: 'SEGMENT_NOT_ALLOWED', what: 'segment' };

/**
 * Compiles the settings once into a function for each row of a membership file. The key is the member, within its segment; what is to
 * become of it is the content, so that two rows that say otherwise of one member are a conflict.
 */
export function compileMembers(settings: MemberRows, columns: readonly string[], context: MappingContext): RowMapper {
  const binder = columnBinder(columns);
  const idColumn = binder.column(settings.key.from);
  const email =
    settings.idKind === 'email'
      ? compileField('email', fieldSettings.parse(settings.key.from), (name) => binder.column(name))
      : undefined;
  const segmentColumn = settings.nameColumn === undefined ? undefined : binder.column(settings.nameColumn);
  const segmentOf = compileEventName(settings, segmentColumn, context.fileName, OF_SEGMENTS);
  const actionOf = compileAction(settings, binder, context.fileName);
  const rules = { ...settings.key, limit: MEMBER_LIMIT };
  const eventTime = formatUtc(context.now);
  const fault: Fault = { code: '', reason: '' };
  binder.bind();

  return (values, line): Mapped => {
    binder.bind();
    fault.code = '';
    const written = cellOf(idColumn, values)?.trim() ?? '';
    const address = email && written !== '' ? email.read(values, fault) : undefined;
    if (fault.code !== '') return { ok: false, code: fault.code, reason: fault.reason };
    const verdict = checkKey(address ?? written, idColumn.name, rules);
    if (!verdict.ok) return verdict;
    const { key } = verdict;
    const eventName = segmentOf(values, fault);
    if (eventName === undefined) return { ok: false, code: fault.code, reason: fault.reason, key };
    const action = actionOf(values, fault);
    if (action === undefined) return { ok: false, code: fault.code, reason: fault.reason, key };
    const event = { line, key, eventName, eventTime, data: { [ACTION]: action } };
    const contentHash = context.hash ? context.hash(`${action === 'add' ? 'add' : 'remove'} ${key}`) : '';
    return { ok: true, event, contentHash, orderKey: '', eventMs: 0, person: key };
  };
}

/** What a row would have as its member, of an id as it is written elsewhere. What is no id stays as it is. */
export function compileMemberKey({ idKind, key }: Pick<MemberRows, 'idKind' | 'key'>): (written: string) => string {
  const alone: MemberRows = { members: true, kind: 'snapshot', name: key.from, idKind, key };
  const map = compileMembers(alone, [key.from], { fileName: '', now: 0 });
  return (written) => {
    const mapped = map([written], 0);
    return mapped.ok ? mapped.event.key : written;
  };
}

function compileAction(settings: MemberRows, binder: ReturnType<typeof columnBinder>, fileName: string): ReadAction {
  const { action } = settings;
  if (settings.kind === 'snapshot' || action === undefined) return () => 'add';
  const fold = (text: string): string => text.trim().toLowerCase();
  const [add, remove] = [new Set(action.add.map(fold)), new Set(action.remove.map(fold))];
  const drain = new Set(action.drain?.map(fold));
  const allowed = [...action.add, ...action.remove].join(', ');
  const refuse = (fault: Fault, where: string, written: string): undefined => {
    fault.code = 'ACTION_UNKNOWN';
    fault.reason = `${where}: found ${found(written)}; allowed: ${allowed}`;
    return undefined;
  };
  const { folders } = action;
  if (folders) {
    const folder = /^(.*)\//s.exec(fileName)?.[1] ?? '';
    if (folder === folders.add) return () => 'add';
    if (folder === folders.remove) return () => 'remove';
    return (_, fault) => {
      fault.code = 'ACTION_UNKNOWN';
      fault.reason = `the file lies in neither of the folders ${folders.add}/ and ${folders.remove}/`;
      return undefined;
    };
  }
  if (action.column === undefined) {
    const words = fileName.toLowerCase().split(/[^\p{L}\p{N}]+/u);
    const [adds, removes] = [words.some((word) => add.has(word)), words.some((word) => remove.has(word))];
    if (adds !== removes) return () => (adds ? 'add' : 'remove');
    return (_, fault) => refuse(fault, 'the words of the file name', fileName);
  }
  const column = binder.column(action.column);
  return (values, fault) => {
    const written = cellOf(column, values) ?? '';
    const word = fold(written);
    if (add.has(word)) return 'add';
    if (remove.has(word)) return 'remove';
    if (drain.has(word)) return 'drain';
    return refuse(fault, `column "${column.name}"`, written.trim());
  };
}

/** Every column that is read of a member, each once. */
export function memberColumns({ key, nameColumn, action }: MemberRows): string[] {
  return [...new Set([key.from, nameColumn ?? [], action?.column ?? []].flat())];
}
