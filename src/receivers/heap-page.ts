import type { TellPage } from '../ledger/received-pages.ts';
import type { Reading } from './extole-link.ts';
import { type JsonObject, objectOf, readObject, textOf } from './json.ts';

/** As long as an identity of Heap can be. */
const LONGEST_ID = 255;
const LONGEST_NAME = 1000;

/**
 * A page of Heap's segment webhook: `segment.users.sync` with `data.segment`, `data.sync_info` and `data.add`, `data.remove`, or
 * `segment.users.drain`. Source: heap-api-reference, webhook_spec.yaml. `job`: whose page it is.
 */
export function readPage(text: string, job: string): Reading<TellPage> {
  const body = readObject(text);
  if (!body) return unreadable('the body is no JSON object');
  const data = objectOf(body.data);
  const action = textOf(body.action_type) ?? '';
  if (action !== 'segment.users.sync' && action !== 'segment.users.drain')
    return { kind: 'ignored', why: 'its action_type is none of segment.users.sync and segment.users.drain' };
  const told = objectOf(data?.segment);
  const segment = textOf(told?.id);
  if (segment === undefined || segment.length > LONGEST_ID) return unreadable('data.segment.id is missing');
  const of = { job, segment, segmentName: (textOf(told?.name) ?? '').slice(0, LONGEST_NAME) };
  if (action === 'segment.users.drain')
    return {
      kind: 'ok',
      value: { ...of, kind: 'drain', task: '', page: 0, pages: 0, add: [], remove: [], rejected: 0 },
    };
  const info = objectOf(data?.sync_info);
  const task = textOf(info?.sync_task_id);
  const page = numberOf(info, 'page_number');
  const pages = numberOf(info, 'total_pages');
  if (task === undefined || task.length > LONGEST_ID || page === undefined || pages === undefined)
    return unreadable('data.sync_info needs sync_task_id, page_number and total_pages');
  const remove = idsOf(data?.remove);
  const add = idsOf(data?.add);
  if (!add || !remove) return unreadable('data.add and data.remove are lists');
  for (const id of remove.ids) add.ids.delete(id);
  const lists = { add: [...add.ids], remove: [...remove.ids], rejected: add.bad + remove.bad };
  return { kind: 'ok', value: { ...of, kind: 'sync', task, page, pages, ...lists } };
}

const unreadable = (why: string): { kind: 'unreadable'; why: string } => ({ kind: 'unreadable', why });

function numberOf(info: JsonObject | undefined, name: string): number | undefined {
  const value = info?.[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** Each once, as written; `bad`: how many are none. `undefined` where it is no list. */
function idsOf(list: unknown): { ids: Set<string>; bad: number } | undefined {
  const found = { ids: new Set<string>(), bad: 0 };
  if (list === undefined || list === null) return found;
  if (!Array.isArray(list)) return undefined;
  for (const each of list) {
    const id = textOf(objectOf(each)?.id);
    if (id === undefined || id.length > LONGEST_ID) found.bad += 1;
    else found.ids.add(id);
  }
  return found;
}
