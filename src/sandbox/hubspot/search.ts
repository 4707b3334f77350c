import type { StandInReply } from '../stand-in.ts';
import { shown } from './batches.ts';
import { type InputError, noProperty, ok, refusal, wrong } from './errors.ts';
import { type Fields, fieldsOf, isProblem } from './fields.ts';
import type { Contacts, StoredContact } from './store.ts';

const FIELDS = ['filterGroups', 'sorts', 'query', 'properties', 'limit', 'after'];
const [MOST_GROUPS, MOST_FILTERS, MOST_LIMIT, MOST_RESULTS] = [5, 10, 200, 10_000];

type Test = (contact: Readonly<Record<string, string>>) => boolean;

/**
 * `POST .../search` over what the index shows: `indexed` may be behind what is stored. `withCode`: a property that is not there is named by
 * a code, else in words only; which of the two HubSpot does is not documented.
 */
export function searchContacts(
  body: unknown,
  contacts: Contacts,
  indexed: readonly StoredContact[],
  withCode: boolean,
): StandInReply {
  const asked = fieldsOf(body, FIELDS, 'the body');
  if (isProblem(asked)) return refusal(asked);
  const test = testOf(asked.filterGroups, contacts, withCode);
  if (typeof test !== 'function') return refusal(test);
  const { limit = 10, after = '0' } = asked;
  if (typeof limit !== 'number' || limit < 1 || limit > MOST_LIMIT)
    return refusal(wrong(`limit is 1 to ${MOST_LIMIT}`));
  const start = Number(after);
  if (!Number.isInteger(start) || start + limit > MOST_RESULTS)
    return refusal(wrong(`paging is limited to the first ${MOST_RESULTS} results`));
  const order = orderOf(asked.sorts);
  if (typeof order !== 'function') return refusal(order);
  const names = Array.isArray(asked.properties) ? asked.properties.map(String) : [];

  const found = indexed.filter(({ properties }) => test(properties)).sort(order);
  const results = found
    .slice(start, start + limit)
    .map((contact) => shown(contact, ['createdate', 'hs_object_id', 'lastmodifieddate', ...names]));
  const next = start + limit;
  const paging = next < Math.min(found.length, MOST_RESULTS) ? { paging: { next: { after: String(next) } } } : {};
  return ok({ total: found.length, results, ...paging });
}

function testOf(groups: unknown, contacts: Contacts, withCode: boolean): Test | InputError {
  if (!Array.isArray(groups) || groups.length > MOST_GROUPS) return wrong('filterGroups: at most 5');
  const all: Test[][] = [];
  for (const group of groups) {
    const fields = fieldsOf(group, ['filters'], 'a filter group');
    if (isProblem(fields)) return fields;
    if (!Array.isArray(fields.filters) || fields.filters.length > MOST_FILTERS) return wrong('filters: at most 10');
    const tests: Test[] = [];
    for (const filter of fields.filters) {
      const test = filterOf(filter, contacts, withCode);
      if (typeof test !== 'function') return test;
      tests.push(test);
    }
    all.push(tests);
  }
  return (contact) => all.length === 0 || all.some((tests) => tests.every((test) => test(contact)));
}

function filterOf(filter: unknown, contacts: Contacts, withCode: boolean): Test | InputError {
  const fields = fieldsOf(filter, ['propertyName', 'operator', 'value'], 'a filter');
  if (isProblem(fields)) return fields;
  const { propertyName, operator, value }: Fields = fields;
  if (typeof propertyName !== 'string' || !contacts.definitions.has(propertyName))
    return noProperty(String(propertyName), withCode);
  if (operator === 'NOT_HAS_PROPERTY') return (contact) => contact[propertyName] === undefined;
  if (operator === 'HAS_PROPERTY') return (contact) => contact[propertyName] !== undefined;
  if (typeof value !== 'string') return wrong(`operator ${String(operator)} needs a value`);
  if (operator === 'EQ') return (contact) => contact[propertyName] === value;
  if (operator === 'GT') return (contact) => Number(contact[propertyName]) > Number(value);
  return wrong(`operator ${String(operator)} is not known to the stand-in`);
}

function orderOf(sorts: unknown): ((a: StoredContact, b: StoredContact) => number) | InputError {
  const list: unknown[] = Array.isArray(sorts) ? sorts : [];
  if (list.length === 0) return (a, b) => Number(b.id) - Number(a.id);
  const sort = fieldsOf(list[0], ['propertyName', 'direction'], 'a sort');
  if (isProblem(sort)) return sort;
  if (list.length > 1 || sort.propertyName !== 'hs_object_id') return wrong('the stand-in sorts by hs_object_id only');
  const sign = sort.direction === 'ASCENDING' ? 1 : -1;
  return (a, b) => sign * (Number(a.id) - Number(b.id));
}
