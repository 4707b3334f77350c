import type { Field } from './field.ts';
import type { EventSettings } from './settings.ts';

/**
 * The content of an event as one text that is equal for equal facts, whatever the order of the columns or of the fields
 * in the job file: sorted names, each with the value as it is sent, lengths before both so that nothing can be mistaken
 * for something else. A field without a value does not occur, so that a field added later changes nothing where it is empty.
 */
export function compileContent(settings: EventSettings) {
  const compared = [...comparedFields(settings)].sort();
  const pieces: string[] = [];
  let parts: { slot: number; prefix: string; field: Field | undefined }[] = [];
  return {
    /** The fields that rows have from now on. */
    bind(fields: readonly Field[]): void {
      const names = fields.map(({ name }) => name);
      parts = compared.map((name) => {
        const slot = name === 'event_name' ? NAME : name === 'event_time' ? TIME : names.indexOf(name);
        return { slot, prefix: `${name.length}:${name}=`, field: fields[slot] };
      });
    },
    /** `values[i]` is the value of the i-th field. */
    canonical(eventName: string, eventTime: string, values: readonly (string | undefined)[]): string {
      // Joined at the end: a text that grows piece by piece costs three kilobytes of garbage a row.
      pieces.length = 0;
      for (const { slot, prefix, field } of parts) {
        const value =
          field === undefined ? (slot === NAME ? eventName : slot === TIME ? eventTime : undefined) : values[slot];
        if (value === undefined) continue;
        // The same number in another currency is another amount, also where the currency itself is not sent.
        const currency = field?.money === undefined ? '' : field.money.currency;
        pieces.push(prefix, lengthText(value.length), value, currency, ';');
      }
      return pieces.join('');
    },
  };
}

const LENGTHS = Array.from({ length: 256 }, (_, length) => `${length}:`);

function lengthText(length: number): string {
  return LENGTHS[length] ?? `${length}:`;
}

/** Slots of what is compared and is no field of `data`; -1 is a field that the rows do not have. */
const NAME = -2;
const TIME = -3;

/**
 * What two rows with the same key must agree in. Columns that come along because of `passthrough: true` do not count
 * unless `compare` names them: otherwise a column that the partner adds would turn every known row into a conflict.
 */
function comparedFields(settings: EventSettings): Set<string> {
  if (settings.compare !== undefined) return new Set(settings.compare);
  const passed = Array.isArray(settings.passthrough) ? settings.passthrough : [];
  return new Set(['event_name', 'event_time', ...Object.keys(settings.data), ...passed]);
}
