import type { Field } from './field.ts';
import type { EventSettings } from './settings.ts';

/**
 * The content of an event as one text that is equal for equal facts, whatever the order of the columns or of the fields
 * in the job file: sorted names, each with the value as it is sent, lengths before both so that nothing can be mistaken
 * for something else. A field without a value does not occur, so that a field added later changes nothing where it is empty.
 */
export function compileContent(settings: EventSettings) {
  const compared = comparedFields(settings);
  let parts: { name: string; prefix: string; field: Field | undefined }[] = [];
  return {
    /** The fields that rows have from now on. */
    bind(fields: readonly Field[]): void {
      const byName = new Map(fields.map((field) => [field.name, field]));
      parts = [...compared]
        .sort()
        .map((name) => ({ name, prefix: `${name.length}:${name}=`, field: byName.get(name) }));
    },
    canonical(eventName: string, eventTime: string, data: Readonly<Record<string, string>>): string {
      let text = '';
      for (const { name, prefix, field } of parts) {
        if (name === 'event_name') text += `${prefix}${eventName.length}:${eventName};`;
        else if (name === 'event_time') text += `${prefix}${eventTime.length}:${eventTime};`;
        else {
          const value = data[name];
          if (value === undefined) continue;
          // The same number in another currency is another amount, also where the currency itself is not sent.
          const money = field?.money;
          text += `${prefix}${value.length}:${value}${money === undefined ? '' : money.currency};`;
        }
      }
      return text;
    },
  };
}

/**
 * What two rows with the same key must agree in. Columns that come along because of `passthrough: true` do not count
 * unless `compare` names them: otherwise a column that the partner adds would turn every known row into a conflict.
 */
function comparedFields(settings: EventSettings): Set<string> {
  if (settings.compare !== undefined) return new Set(settings.compare);
  const passed = Array.isArray(settings.passthrough) ? settings.passthrough : [];
  return new Set(['event_name', 'event_time', ...Object.keys(settings.data), ...passed]);
}
