import { isObject } from '../json.ts';
import type { StandInReply } from '../stand-in.ts';
import type { Users } from './users.ts';

const IDS = 50;
const FIELDS = ['external_ids', 'user_aliases', 'fields_to_export'];

/** `POST /users/export/ids`, which names those that are not known. */
export function exportIds(body: unknown, users: Users['all']): StandInReply {
  if (!isObject(body)) return refusal('The request body is not valid JSON');
  const stranger = Object.keys(body).find((field) => !FIELDS.includes(field));
  if (stranger !== undefined) return refusal(`unknown parameter ${stranger}`);
  const { external_ids: ids, fields_to_export: fields } = body;
  if (!Array.isArray(fields) || fields.length === 0) return refusal('fields_to_export is required');
  if (!Array.isArray(ids) || ids.length === 0) return refusal('external_ids is required');
  if (ids.length > IDS) return refusal(`at most ${IDS} external_ids in a request`);
  const known = ids.filter((id) => users.has(`external_id ${id}`));
  const invalid_user_ids = ids.filter((id) => !known.includes(id));
  const result = { message: 'success', users: known.map((external_id) => ({ external_id })) };
  return {
    status: 200,
    body: JSON.stringify(invalid_user_ids.length === 0 ? result : { ...result, invalid_user_ids }),
  };
}

function refusal(message: string): StandInReply {
  return { status: 400, body: JSON.stringify({ message }) };
}
