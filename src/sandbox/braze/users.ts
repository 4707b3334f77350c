import { isObject } from '../json.ts';

export type Attributes = Readonly<Record<string, unknown>>;

/** The users of a workspace, by what names them: `external_id 007`, `email a@example.com`, `alias label name`. */
export interface Users {
  all: ReadonlyMap<string, Attributes>;
  /** Stores the attributes; what is wrong with them, where they are not. */
  track(object: unknown): string | undefined;
}

const OWN: ReadonlySet<string> = new Set(['external_id', 'user_alias', 'braze_id', '_update_existing_only']);
const NAMELESS = "'external_id' or 'braze_id' or 'user_alias' or 'email' or 'phone' is required";

export function createUsers(known: readonly string[], refuses?: (object: Attributes) => string | undefined): Users {
  const users = new Map<string, Attributes>(known.map((name) => [name, {}]));
  return {
    all: users,
    track(object) {
      if (!isObject(object)) return 'attributes object is not an object';
      const name = nameOf(object);
      if ('wrong' in name) return name.wrong;
      const existing = object._update_existing_only ?? name.id.startsWith('alias ');
      if (typeof existing !== 'boolean') return "'_update_existing_only' must be a boolean";
      const attributes = Object.entries(object).filter(([key]) => !OWN.has(key));
      const odd = attributes.find(
        ([, value]) => !['string', 'number', 'boolean'].includes(typeof value) && !isArray(value),
      );
      if (odd) return `the value of '${odd[0]}' is not valid`;
      const own = refuses?.(object);
      if (own !== undefined) return own;
      // Whoever is not known is passed over without a word.
      if (existing && !users.has(name.id)) return undefined;
      const before = users.get(name.id) ?? {};
      const changed = attributes.map(([key, value]) => [key, isArray(value) ? merged(before[key], value) : value]);
      users.set(name.id, { ...before, ...Object.fromEntries(changed) });
      return undefined;
    },
  };
}

/** An array attribute: a whole list, or values to be added to the list that there is, or taken from it. */
type ArrayValue = readonly string[] | { add?: readonly string[]; remove?: readonly string[] };

function isArray(value: unknown): value is ArrayValue {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string');
  if (!isObject(value) || Object.keys(value).length === 0) return false;
  return Object.entries(value).every(([key, list]) => ['add', 'remove'].includes(key) && Array.isArray(list));
}

function merged(before: unknown, value: ArrayValue): readonly string[] {
  if (!('add' in value || 'remove' in value)) return 'length' in value ? value : [];
  const list = Array.isArray(before) ? before.map(String) : [];
  const { add = [], remove = [] } = value;
  return [...new Set([...list, ...add])].filter((one) => !remove.includes(one));
}

/** Exactly one name; an e-mail address names a user where nothing else does. */
function nameOf(object: Attributes): { id: string } | { wrong: string } {
  const { external_id, braze_id, user_alias, email, phone } = object;
  const names = Object.entries({ external_id, braze_id, user_alias }).filter(([, value]) => value !== undefined);
  if (names.length > 1) return { wrong: `only one of ${names.map(([key]) => `'${key}'`).join(', ')} may be given` };
  const [kind, value] = names[0] ?? Object.entries({ email, phone }).find(([, text]) => text !== undefined) ?? [];
  if (kind === 'user_alias') {
    if (!isObject(value) || Object.keys(value).length !== 2) return { wrong: "'user_alias' is not valid" };
    const { alias_name, alias_label } = value;
    if (typeof alias_name !== 'string' || typeof alias_label !== 'string' || alias_name === '' || alias_label === '')
      return { wrong: "'user_alias' is not valid" };
    return { id: `alias ${alias_label} ${alias_name}` };
  }
  return typeof value === 'string' && value !== '' ? { id: `${kind} ${value}` } : { wrong: NAMELESS };
}
