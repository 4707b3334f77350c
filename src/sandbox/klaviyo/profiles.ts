type JsonObject = Readonly<Record<string, unknown>>;

/** A profile as the account has it. */
export interface StoredProfile {
  id: string;
  email?: string;
  externalId?: string;
  attributes: Readonly<Record<string, string>>;
  /** Custom properties; names differ where their case differs. */
  properties: Readonly<Record<string, unknown>>;
}

/** Why a profile of an import job is refused. */
export interface ImportProblem {
  code: string;
  title: string;
  detail: string;
  /** Below the profile, as `/attributes/email`. */
  pointer: string;
}

export interface ProfileStore {
  all(): readonly StoredProfile[];
  find(email: string): StoredProfile | undefined;
  /** Creates the profile or brings it up to date; what is not given stays. */
  upsert(attributes: JsonObject): StoredProfile | ImportProblem;
}

const TEXTS: ReadonlySet<string> = new Set([
  ...['email', 'phone_number', 'external_id', 'first_name', 'last_name'],
  ...['organization', 'locale', 'title', 'image'],
]);

const EMAIL = /^[^\s@,;<>]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i;
const E164 = /^\+[1-9]\d{6,14}$/;

export function createProfileStore(): ProfileStore {
  const profiles = new Map<string, StoredProfile>();
  const ids = { email: new Map<string, string>(), externalId: new Map<string, string>() };

  function holderOf(name: 'email' | 'externalId', value: string | undefined): StoredProfile | undefined {
    return profiles.get(ids[name].get(value ?? '') ?? '');
  }

  return {
    all: () => [...profiles.values()],
    find: (email) => holderOf('email', email),
    upsert(attributes) {
      const email = textOf(attributes.email)?.toLowerCase();
      const externalId = textOf(attributes.external_id);
      const phone = textOf(attributes.phone_number);
      if (email === undefined && externalId === undefined && phone === undefined)
        return problem('invalid', 'One of email, phone_number or external_id is required.', '/attributes');
      if (email !== undefined && !EMAIL.test(email))
        return problem('invalid', `Invalid email address: ${email}.`, '/attributes/email');
      if (phone !== undefined && !E164.test(phone))
        return problem('invalid', `Invalid phone number: ${phone}; E.164 is expected.`, '/attributes/phone_number');
      const byEmail = holderOf('email', email);
      const byId = holderOf('externalId', externalId);
      if (byEmail && byId && byEmail !== byId)
        return problem('duplicate_profile', 'The external_id belongs to another profile.', '/attributes/external_id');
      const known = byEmail ?? byId;
      const texts = Object.entries(attributes).filter(([name]) => TEXTS.has(name));
      const stored: StoredProfile = {
        id: known?.id ?? `01SANDBOX${String(profiles.size + 1).padStart(17, '0')}`,
        ...pick('email', email ?? known?.email),
        ...pick('externalId', externalId ?? known?.externalId),
        attributes: {
          ...known?.attributes,
          ...Object.fromEntries(texts.map(([name, value]) => [name, String(value)])),
        },
        properties: { ...known?.properties, ...objectOf(attributes.properties) },
      };
      profiles.set(stored.id, stored);
      if (stored.email !== undefined) ids.email.set(stored.email, stored.id);
      if (stored.externalId !== undefined) ids.externalId.set(stored.externalId, stored.id);
      return stored;
    },
  };
}

/** What is wrong with how a profile is written, as a pointer below it and words; the whole call is refused for it. */
export function malformed(item: unknown): { pointer: string; detail: string } | undefined {
  const profile = objectOf(item);
  if (profile?.type !== 'profile') return { pointer: '/type', detail: "'profile' is expected." };
  const strange = Object.keys(profile).find((name) => !['type', 'id', 'attributes'].includes(name));
  if (strange !== undefined) return { pointer: `/${strange}`, detail: `'${strange}' is not a valid field.` };
  const attributes = objectOf(profile.attributes);
  if (!attributes) return { pointer: '/attributes', detail: 'attributes is required.' };
  for (const [name, value] of Object.entries(attributes)) {
    const pointer = `/attributes/${name}`;
    if (name === 'properties') {
      if (!objectOf(value)) return { pointer, detail: 'properties must be an object.' };
    } else if (!TEXTS.has(name))
      return { pointer, detail: `'${name}' is not a valid field for the resource 'profile'.` };
    else if (typeof value !== 'string') return { pointer, detail: `'${name}' must be a string.` };
  }
  return undefined;
}

function problem(code: string, detail: string, pointer: string): ImportProblem {
  return { code, title: 'Invalid input.', detail, pointer };
}

function pick<Name extends string>(name: Name, value: string | undefined): { [key in Name]?: string } | object {
  return value === undefined ? {} : { [name]: value };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}
