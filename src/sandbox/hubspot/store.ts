import { exists, type InputError, wrong, wrongProperty } from './errors.ts';

export interface StoredContact {
  id: string;
  /** Without those that have no value. */
  properties: Record<string, string>;
}

export interface PropertyDefinition {
  name: string;
  label: string;
  type: string;
  fieldType: string;
  groupName: string;
  hasUniqueValue: boolean;
  readOnly: boolean;
}

const EMAIL = /^[^\s@<>"]+@[^\s@<>"]+\.[^\s@<>".]{2,}$/;
const LONGEST = 65_536;
const READ_ONLY = ['hs_object_id', 'hs_additional_emails', 'createdate', 'lastmodifieddate'];
const WRITABLE = ['email', 'firstname', 'lastname', 'company', 'phone', 'website'];

/** Contacts and their properties. Addresses are unique over all contacts, additional ones included, and kept in lower case. */
export interface Contacts {
  all(): readonly StoredContact[];
  definitions: ReadonlyMap<string, PropertyDefinition>;
  /** What a person did in HubSpot: no checks. */
  add(properties: Readonly<Record<string, string>>): StoredContact;
  remove(id: string): void;
  byId(id: string): StoredContact | undefined;
  /** By e-mail, additional addresses included, or by a property with unique values. */
  byValue(property: string, value: string): StoredContact | undefined;
  define(property: Omit<PropertyDefinition, 'readOnly'>): boolean;
  /** A person deletes a property, and its values with it. */
  undefine(property: string): void;
  create(properties: Readonly<Record<string, string>>): StoredContact | InputError;
  /** Sets what is given; empty text clears. */
  update(contact: StoredContact, properties: Readonly<Record<string, string>>): InputError | undefined;
  /** What is wrong with values, for whichever contact. */
  check(properties: Readonly<Record<string, string>>): InputError | undefined;
}

export function createContacts(now: () => number, firstId: number): Contacts {
  const contacts = new Map<string, StoredContact>();
  const definitions = new Map<string, PropertyDefinition>();
  const indexes = new Map<string, Map<string, string>>();
  let next = firstId;

  function define(property: Omit<PropertyDefinition, 'readOnly'>, readOnly = false): boolean {
    if (definitions.has(property.name)) return false;
    definitions.set(property.name, { ...property, readOnly });
    if (property.hasUniqueValue) indexes.set(property.name, new Map());
    return true;
  }
  for (const name of [...WRITABLE, ...READ_ONLY]) {
    const usual = { name, label: name, type: 'string', fieldType: 'text', groupName: 'contactinformation' };
    define({ ...usual, hasUniqueValue: name === 'email' }, READ_ONLY.includes(name));
  }

  function keysOf(property: string, properties: Readonly<Record<string, string>>): string[] {
    const values = [properties[property] ?? ''];
    if (property === 'email') values.push(...(properties.hs_additional_emails ?? '').split(';'));
    return values.map((value) => value.trim().toLowerCase()).filter((value) => value !== '');
  }

  function index(contact: StoredContact, set: boolean): void {
    for (const [property, ids] of indexes) {
      for (const key of keysOf(property, contact.properties)) {
        if (set) ids.set(key, contact.id);
        else ids.delete(key);
      }
    }
  }

  function write(contact: StoredContact, properties: Readonly<Record<string, string>>): void {
    index(contact, false);
    for (const [name, value] of Object.entries(properties)) {
      if (value === '') delete contact.properties[name];
      else contact.properties[name] = name === 'email' ? value.toLowerCase() : value;
    }
    contact.properties.lastmodifieddate = new Date(now()).toISOString();
    index(contact, true);
  }

  function add(properties: Readonly<Record<string, string>>): StoredContact {
    const id = String(next);
    next += 1;
    const contact = { id, properties: { hs_object_id: id, createdate: new Date(now()).toISOString() } };
    contacts.set(id, contact);
    write(contact, properties);
    return contact;
  }

  function taken(properties: Readonly<Record<string, string>>, own: string): InputError | undefined {
    for (const [property, ids] of indexes) {
      for (const key of keysOf(property, properties)) {
        const id = ids.get(key);
        if (id === undefined || id === own) continue;
        if (property === 'email' && own === '') return exists(id);
        const message = `Cannot set PropertyValueCoordinates{portalId=1, objectTypeId=ObjectTypeId{0-1}, propertyName=${property}, value=${key}} on ${own || 'a new contact'}. ${id} already has that value.`;
        return { ...wrong(message), errors: [{ message, code: 'CONFLICTING_UNIQUE_VALUE' }] };
      }
    }
    return undefined;
  }

  function check(properties: Readonly<Record<string, string>>): InputError | undefined {
    for (const [name, value] of Object.entries(properties)) {
      const definition = definitions.get(name);
      if (!definition) return wrongProperty(name, 'PROPERTY_DOESNT_EXIST', `Property "${name}" does not exist`);
      if (definition.readOnly) return wrongProperty(name, 'READ_ONLY_VALUE', `"${name}" is a read only property`);
      if (value.length > LONGEST) return wrongProperty(name, 'INVALID_LENGTH', `"${name}" is too long`);
      if (name === 'email' && value !== '' && !EMAIL.test(value))
        return wrongProperty(name, 'INVALID_EMAIL', `Email address ${value} is invalid`);
    }
    return undefined;
  }

  return {
    all: () => [...contacts.values()],
    definitions,
    add,
    define,
    undefine(property) {
      definitions.delete(property);
      indexes.delete(property);
      for (const contact of contacts.values()) delete contact.properties[property];
    },
    check,
    remove(id) {
      const contact = contacts.get(id);
      if (contact) index(contact, false);
      contacts.delete(id);
    },
    byId: (id) => contacts.get(id),
    byValue: (property, value) => contacts.get(indexes.get(property)?.get(value.toLowerCase()) ?? ''),
    create: (properties) => check(properties) ?? taken(properties, '') ?? add(properties),
    update(contact, properties) {
      const problem = check(properties) ?? taken(properties, contact.id);
      if (!problem) write(contact, properties);
      return problem;
    },
  };
}
