import type { StandInReply } from '../stand-in.ts';
import { ok, refusal, wrong } from './errors.ts';
import { fieldsOf, isProblem } from './fields.ts';
import type { Contacts } from './store.ts';

const FIELDS = [
  'name',
  'label',
  'type',
  'fieldType',
  'groupName',
  'hasUniqueValue',
  'description',
  'options',
  'displayOrder',
  'hidden',
  'formField',
];
const TYPES = ['string', 'number', 'date', 'datetime', 'enumeration', 'bool'];
const MOST_UNIQUE = 10;

/** `POST /crm/v3/properties/contacts`. */
export function createProperty(body: unknown, contacts: Contacts, groups: ReadonlySet<string>): StandInReply {
  const asked = fieldsOf(body, FIELDS, 'the body');
  if (isProblem(asked)) return refusal(asked);
  const { name, label, type, fieldType, groupName, hasUniqueValue = false } = asked;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]{0,99}$/.test(name)) return refusal(wrong('name is invalid'));
  if (typeof label !== 'string' || label === '') return refusal(wrong('label is required'));
  if (typeof type !== 'string' || !TYPES.includes(type)) return refusal(wrong('type is invalid'));
  if (typeof fieldType !== 'string' || fieldType === '') return refusal(wrong('fieldType is required'));
  if (typeof groupName !== 'string' || !groups.has(groupName))
    return refusal(wrong(`property group ${String(groupName)} does not exist`));
  if (typeof hasUniqueValue !== 'boolean') return refusal(wrong('hasUniqueValue is not a boolean'));
  const unique = [...contacts.definitions.values()].filter((property) => property.hasUniqueValue).length;
  if (hasUniqueValue && unique >= MOST_UNIQUE) return refusal(wrong(`at most ${MOST_UNIQUE} unique properties`));
  const made = contacts.define({ name, label, type, fieldType, groupName, hasUniqueValue });
  if (made) return { ...ok({ ...asked, hasUniqueValue, archived: false }, 201), id: name };
  const message = `A property named '${name}' already exists.`;
  return refusal({ status: 409, category: 'OBJECT_ALREADY_EXISTS', message });
}
