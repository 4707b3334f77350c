import { type Column, cellOf } from './columns.ts';
import type { EventSettings } from './settings.ts';
import { found } from './text.ts';

/** Where the name stands that decides what rows are of, and which names may stand there. */
export type NameSettings = Pick<EventSettings, 'name' | 'nameFrom' | 'allowedNames' | 'names'>;

/** The event name that a file's name states: `account_opened-20261120.csv` gives `account_opened`. */
export function eventNameOfFile(fileName: string): string {
  const stem = fileName.replace(/^.*\//, '').replace(/(?:\.[A-Za-z]{1,8}\d?)+$/, '');
  return stem.replace(/(?:[-_. ]?\d[\d\-_.TZ: ]*)$/, '').replace(/[-_. ]+$/, '');
}

/** The event names that rows of this file can have; empty where the file's name gives none that is allowed. */
export function eventNames(settings: NameSettings, fileName: string): string[] {
  if (settings.name !== undefined) return [settings.name];
  if (settings.nameFrom === 'column') return [...(settings.allowedNames ?? [])];
  const name = allowedName(settings, eventNameOfFile(fileName));
  return name === undefined ? [] : [name];
}

/** The name at Extole of what the partner wrote, or `undefined` where it is not allowed. Case counts. */
function allowedName(settings: NameSettings, written: string): string | undefined {
  const aliases = settings.names ?? {};
  const name = Object.hasOwn(aliases, written) ? aliases[written] : written;
  return name !== undefined && settings.allowedNames?.includes(name) ? name : undefined;
}

const CACHED = 1000;

/** Reads a row's event name; `undefined` with a reason in `fault` where it has none that is allowed. */
export function compileEventName(
  settings: NameSettings,
  column: Column | undefined,
  fileName: string,
  refusal = { code: 'EVENT_NAME_NOT_ALLOWED', what: 'event name' },
): (values: readonly (string | undefined)[], fault: { code: string; reason: string }) => string | undefined {
  const refuse = (fault: { code: string; reason: string }, where: string, written: string) => {
    const spelled = [...Object.keys(settings.names ?? {}), ...(settings.allowedNames ?? [])];
    fault.code = refusal.code;
    fault.reason = `${where}: found ${found(written)}; allowed ${refusal.what}s: ${[...new Set(spelled)].join(', ')}`;
    return undefined;
  };
  if (settings.name !== undefined) {
    const name = settings.name;
    return () => name;
  }
  if (column === undefined) {
    const written = eventNameOfFile(fileName);
    const name = allowedName(settings, written);
    return (_, fault) => name ?? refuse(fault, `${refusal.what} of the file`, written);
  }
  const known = new Map<string, string | undefined>();
  return (values, fault) => {
    const written = cellOf(column, values)?.trim() ?? '';
    if (!known.has(written)) {
      if (known.size >= CACHED) known.clear();
      known.set(written, allowedName(settings, written));
    }
    return known.get(written) ?? refuse(fault, `column "${column.name}"`, written);
  };
}
