import type { StandInReply } from '../stand-in.ts';
import { type InputError, notFound, ok, refusal, wrong } from './errors.ts';
import { type Fields, fieldsOf, isProblem, textsOf } from './fields.ts';
import type { Contacts, StoredContact } from './store.ts';

const MOST = 100;

/** How batch calls are answered that concern some of their inputs only. */
export interface BatchBehaviour {
  /** 207 with an error for each bad input, where every input has a trace id; else the call is refused as a whole. */
  multiStatus: boolean;
  /** Refuses an input that is otherwise fine. */
  refuses?: ((properties: Readonly<Record<string, string>>) => Omit<InputError, 'context'> | undefined) | undefined;
}

interface Outcome {
  contact?: StoredContact;
  error?: InputError;
  traceId: string;
}

export function batchRead(body: unknown, contacts: Contacts): StandInReply {
  const asked = fieldsOf(body, ['properties', 'propertiesWithHistory', 'idProperty', 'inputs'], 'the body');
  if (isProblem(asked)) return refusal(asked);
  const inputs = inputsOf(asked, ['id']);
  if (isProblem(inputs)) return refusal(inputs);
  const properties = Array.isArray(asked.properties) ? asked.properties.map(String) : [];
  const { idProperty } = asked;
  const ids = inputs.map(({ id }) => String(id));
  if (ids.includes('')) return refusal(wrong('Some inputs have no id'));
  if (typeof idProperty === 'string' && contacts.definitions.get(idProperty)?.hasUniqueValue !== true)
    return refusal(wrong(`Property ${idProperty} is not a unique property of CONTACT`));
  const find = (id: string): StoredContact | undefined =>
    typeof idProperty === 'string' ? contacts.byValue(idProperty, id) : contacts.byId(id);
  const found = new Set(ids.flatMap((id) => find(id) ?? []));
  const missing = ids.filter((id) => find(id) === undefined);
  const results = [...found].map((contact) =>
    shown(contact, ['createdate', 'hs_object_id', 'lastmodifieddate', ...properties]),
  );
  if (missing.length === 0) return ok(complete(results));
  return ok({ ...complete(results), numErrors: 1, errors: [itemOf(notFound(missing), '')] }, 207);
}

export function batchCreate(body: unknown, contacts: Contacts, behaviour: BatchBehaviour): StandInReply {
  const inputs = bodyOf(body, ['properties', 'associations', 'objectWriteTraceId']);
  if (isProblem(inputs)) return refusal(inputs);
  const traced = inputs.every(({ objectWriteTraceId }) => typeof objectWriteTraceId === 'string');
  const dry = traced && behaviour.multiStatus ? undefined : firstRefused(inputs, contacts, behaviour, true);
  if (dry) return refusal(dry);
  const outcomes = inputs.map((input): Outcome => {
    const traceId = String(input.objectWriteTraceId ?? '');
    const properties = textsOf(input.properties);
    if (isProblem(properties)) return { error: properties, traceId };
    const error = behaviour.refuses?.(properties);
    const made: StoredContact | InputError = error ?? contacts.create(properties);
    return isProblem(made) ? { error: made, traceId } : { contact: made, traceId };
  });
  return replyOf(outcomes, inputs, 201);
}

export function batchUpdate(body: unknown, contacts: Contacts, behaviour: BatchBehaviour): StandInReply {
  const inputs = bodyOf(body, ['id', 'properties', 'objectWriteTraceId']);
  if (isProblem(inputs)) return refusal(inputs);
  const ids = inputs.map(({ id }) => String(id));
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i);
  if (twice.length > 0) return refusal(wrong(`Duplicate IDs found in batch input: [${twice}]. IDs must be unique`));
  const dry = behaviour.multiStatus ? undefined : firstRefused(inputs, contacts, behaviour, false);
  if (dry) return refusal(dry);
  const outcomes = inputs.map((input): Outcome => {
    const traceId = String(input.objectWriteTraceId ?? '');
    const contact = contacts.byId(String(input.id));
    if (!contact) return { error: notFound([String(input.id)]), traceId };
    const properties = textsOf(input.properties);
    if (isProblem(properties)) return { error: properties, traceId };
    const error = behaviour.refuses?.(properties) ?? contacts.update(contact, properties);
    return error ? { error, traceId } : { contact, traceId };
  });
  return replyOf(outcomes, inputs, 200);
}

/** What would be refused, before anything is changed. */
function firstRefused(
  inputs: readonly Fields[],
  contacts: Contacts,
  behaviour: BatchBehaviour,
  creates: boolean,
): InputError | undefined {
  for (const input of inputs) {
    const properties = textsOf(input.properties);
    if (isProblem(properties)) return properties;
    const known = creates && properties.email !== undefined ? contacts.byValue('email', properties.email) : undefined;
    const taken = known && {
      status: 409,
      category: 'CONFLICT',
      message: `Contact already exists. Existing ID: ${known.id}`,
    };
    const gone = !creates && !contacts.byId(String(input.id)) ? notFound([String(input.id)]) : undefined;
    const problem = contacts.check(properties) ?? taken ?? gone ?? behaviour.refuses?.(properties);
    if (problem) return problem;
  }
  return undefined;
}

function bodyOf(body: unknown, known: readonly string[]): Fields[] | InputError {
  const asked = fieldsOf(body, ['inputs'], 'the body');
  if (isProblem(asked)) return asked;
  const inputs = inputsOf(asked, known);
  if (isProblem(inputs)) return inputs;
  const traces = inputs.flatMap(({ objectWriteTraceId: id }) => (id === undefined ? [] : [id]));
  if (new Set(traces).size < traces.length) return wrong('objectWriteTraceId must be unique');
  return inputs;
}

function inputsOf(asked: Fields, known: readonly string[]): Fields[] | InputError {
  const { inputs } = asked;
  if (!Array.isArray(inputs) || inputs.length === 0) return wrong('inputs must not be empty');
  if (inputs.length > MOST) return wrong(`The maximum number of inputs is ${MOST}, found ${inputs.length}`);
  const read: Fields[] = [];
  for (const one of inputs) {
    const input = fieldsOf(one, known, 'an input');
    if (isProblem(input)) return input;
    read.push(input);
  }
  return read;
}

function replyOf(outcomes: readonly Outcome[], inputs: readonly Fields[], status: number): StandInReply {
  const results = outcomes.flatMap(({ contact, traceId }, i) =>
    contact
      ? [
          {
            ...shown(contact, Object.keys(Object(inputs[i]?.properties))),
            ...(traceId ? { objectWriteTraceId: traceId } : {}),
          },
        ]
      : [],
  );
  const errors = outcomes.flatMap(({ error, traceId }) => (error ? [itemOf(error, traceId)] : []));
  const reply =
    errors.length === 0
      ? ok(complete(results), status)
      : ok({ ...complete(results), numErrors: errors.length, errors }, 207);
  return results.length === 0 ? reply : { ...reply, id: results.map(({ id }) => id).join(' ') };
}

function itemOf({ status: _status, context, ...error }: InputError, traceId: string): object {
  const named = traceId === '' ? context : { ...context, objectWriteTraceId: [traceId] };
  return { status: 'error', ...error, ...(named ? { context: named } : {}) };
}

function complete(results: readonly object[]): object {
  const at = '2026-11-21T00:00:00.000Z';
  return { status: 'COMPLETE', results, startedAt: at, completedAt: at };
}

/** Properties that have no value show as null. */
export function shown({ id, properties }: StoredContact, names: readonly string[]): { id: string } & Fields {
  return {
    id,
    properties: Object.fromEntries(names.map((name) => [name, properties[name] ?? null])),
    createdAt: properties.createdate,
    updatedAt: properties.lastmodifieddate,
    archived: false,
  };
}
