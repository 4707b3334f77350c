import type { SubmittedEvent } from './events.ts';

/** Whether, and how far, the account knows a key again. */
export type Dedupe = 'none' | 'within-event' | 'across-events';

export interface Accepted {
  eventId: string;
  personId: string;
  /** Accepted all the same: Extole answers 200 and drops it later. */
  duplicate: boolean;
}

interface Step {
  event: SubmittedEvent;
  eventId: string;
  container: string;
  visibleAt: number;
}

export interface Person {
  id: string;
  identity: string;
  email: string | undefined;
  /** What the person is known by beside its steps: name to value. */
  keys: Readonly<Record<string, string>>;
  steps: Step[];
}

/** What a profile is known by. */
export interface ProfileKeys {
  email?: string;
  keys?: Readonly<Record<string, string>>;
}

export interface Store {
  accept(event: SubmittedEvent, now: number): Accepted;
  persons(search: { identity?: string | undefined; keys: readonly (readonly [string, string])[] }): Person[];
  person(id: string): Person | undefined;
  /** Makes a person that is never forgotten; `undefined` where the identity is taken. */
  create(identity: string): Person | undefined;
  /** One more profile, whoever else is known by the same: events of several sources leave such behind. */
  add(profile: ProfileKeys): Person;
  /** The person is never forgotten from now on. */
  keep(id: string): void;
  /** Newest first; `undefined` where nobody has the id. */
  steps(
    personId: string,
    filter: { names: readonly string[]; containers: readonly string[] },
    now: number,
  ): Step[] | undefined;
  /** Different keys accepted, by container and event name. */
  readonly distinctKeys: number;
}

/** Persons that are remembered, with their steps; the oldest are forgotten, so that a million rows fit in memory. */
const REMEMBERED = 20_000;
const STEPS_REMEMBERED = 2000;

/**
 * What the account knows: its keys, all of them, and its newest persons. `stepDelayMs`: how long it takes until an event
 * shows among the steps.
 */
export function createStore(options: {
  dedupe: Dedupe;
  keyField: string;
  stepDelayMs: number | ((nth: number) => number);
  hidden: ReadonlySet<string>;
}): Store {
  const { dedupe, keyField, stepDelayMs, hidden } = options;
  const keys = new Set<string>();
  const everyName = new Set<string>();
  const people = new Map<string, Person>();
  const kept = new Map<string, Person>();
  const added: Person[] = [];
  let events = 0;

  function isDuplicate(container: string, name: string, key: string): boolean {
    if (key === '') return false;
    const before = keys.size;
    keys.add(`${container}\n${name}\n${key}`);
    if (dedupe === 'within-event') return keys.size === before;
    if (dedupe === 'none') return false;
    const known = everyName.size;
    everyName.add(`${container}\n${key}`);
    return everyName.size === known;
  }

  function delayOf(nth: number): number {
    return typeof stepDelayMs === 'number' ? stepDelayMs : stepDelayMs(nth);
  }

  function person(identity: string, email: string | undefined): Person {
    const id = personIdOf(identity);
    const found = personOf(id);
    if (found) return found;
    const created: Person = { id, identity, email, keys: {}, steps: [] };
    people.set(id, created);
    if (people.size > REMEMBERED) {
      const [oldest] = people.keys();
      if (oldest !== undefined) people.delete(oldest);
    }
    return created;
  }

  function personOf(id: string): Person | undefined {
    return people.get(id) ?? kept.get(id);
  }

  /** Who may be known by an e-mail; everybody where there is none. */
  function among(email: string | undefined): Person[] {
    if (email === undefined) return [...people.values(), ...kept.values()];
    const one = personOf(personIdOf(email));
    return one ? [one, ...added] : added;
  }

  return {
    person: personOf,
    create(identity) {
      const email = identity.includes('@') ? identity.toLowerCase() : undefined;
      const id = personIdOf(email ?? identity);
      if (personOf(id) || added.some((one) => one.identity === (email ?? identity))) return undefined;
      const created: Person = { id, identity: email ?? identity, email, keys: {}, steps: [] };
      kept.set(id, created);
      return created;
    },
    add({ email, keys: known = {} }) {
      const identity = email?.toLowerCase() ?? Object.values(known)[0] ?? '';
      const one: Person = {
        id: `746532${String(added.length + 1).padStart(13, '0')}`,
        identity,
        email: email?.toLowerCase(),
        keys: known,
        steps: [],
      };
      added.push(one);
      kept.set(one.id, one);
      return one;
    },
    keep(id) {
      const one = people.get(id);
      if (!one) return;
      people.delete(id);
      kept.set(id, one);
    },
    accept(event, now) {
      events += 1;
      const eventId = int64(events);
      const key = text(event.data[keyField]);
      const container = text(event.data.container) || 'production';
      const email = text(event.data.email).toLowerCase() || undefined;
      const who = person(email ?? (text(event.data.partner_user_id) || key || eventId), email);
      const duplicate = isDuplicate(container, event.name, key);
      if (!duplicate && !hidden.has(event.name))
        who.steps.push({ event, eventId, container, visibleAt: now + delayOf(events) });
      if (who.steps.length > STEPS_REMEMBERED) who.steps.splice(0, STEPS_REMEMBERED / 2);
      return { eventId, personId: who.id, duplicate };
    },
    persons({ identity, keys: wantedKeys }) {
      const wanted = identity?.toLowerCase();
      return among(wanted).filter(
        (one) =>
          (wanted === undefined || one.email === wanted) &&
          wantedKeys.every(
            ([name, value]) =>
              one.keys[name] === value || one.steps.some((step) => text(step.event.data[name]) === value),
          ),
      );
    },
    steps(personId, { names, containers }, now) {
      const visible = personOf(personId)?.steps.filter(
        (step) =>
          step.visibleAt <= now &&
          (names.length === 0 || names.includes(step.event.name)) &&
          (containers.length === 0 || containers.includes(step.container)),
      );
      return visible?.reverse();
    },
    get distinctKeys() {
      return keys.size;
    },
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Ids look like Extole's: 19 digits, beyond what a double holds exactly. */
function int64(count: number): string {
  return `746531${1e12 + count}`;
}

/** The same identity has the same id, also after it was forgotten. */
function personIdOf(identity: string): string {
  let high = 0x811c9dc5;
  let low = 0x01000193;
  for (let i = 0; i < identity.length; i += 1) {
    const unit = identity.charCodeAt(i);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
  }
  const digits = ((high >>> 0) % 1e9) * 1e4 + ((low >>> 0) % 1e4);
  return `746530${String(digits).padStart(13, '0')}`;
}
