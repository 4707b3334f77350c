import { isObject } from '../json.ts';
import type { ErrorCode } from './errors.ts';
import type { ShareableOptions } from './shareables.ts';

/** A request for a link that keeps the rules. `key` is empty where there is none. */
export interface ShareableRequest {
  label: string;
  code: string | undefined;
  key: string;
  content: Readonly<Record<string, unknown>>;
  data: Readonly<Record<string, string>>;
  programUrl: string;
}

export interface RuleBroken {
  error: ErrorCode;
  parameters: Readonly<Record<string, unknown>>;
}

const CONTENT = new Set(['partner_content_id', 'title', 'description', 'image_url', 'url']);

/** Extole's rules for `POST …/shareables`; a field that it does not document is refused, since it is a mistake of ours. */
export function checkShareable(
  body: unknown,
  programField: string,
  options: Pick<ShareableOptions, 'reservedWords' | 'programs' | 'blockedHosts'>,
): ShareableRequest | RuleBroken {
  if (!isObject(body)) return broken('binding_error', 'the body is not an object');
  const known = new Set(['label', 'code', 'key', 'content', 'data', programField]);
  for (const field in body) if (!known.has(field)) return broken('binding_error', `unknown field ${field}`);
  const { label, code, key = '', content = {}, data = {} } = body;
  const programUrl = body[programField] ?? '';
  if (label === undefined || label === null || label === '') return broken('label_is_missing');
  if (typeof label !== 'string') return broken('binding_error', 'label is not a string');
  if (!/^[\w-]*$/.test(label)) return broken('label_name_contains_illegal_character');
  if (label.length > 255) return broken('label_name_length_out_of_range');
  if (code !== undefined && typeof code !== 'string') return broken('binding_error', 'code is not a string');
  if (typeof key !== 'string') return broken('binding_error', 'key is not a string');
  if (typeof programUrl !== 'string') return broken('binding_error', `${programField} is not a string`);
  if (programUrl !== '' && options.programs.length > 0 && !options.programs.includes(programUrl))
    return broken('unknown_program');
  const problem = (code === undefined ? undefined : ofCode(code, options)) ?? ofContent(content, options);
  if (problem) return problem;
  if (!isObject(content)) return broken('binding_error', 'content is not an object');
  const texts = dataOf(data);
  if ('error' in texts) return texts;
  return { label, code, key, content, data: texts.data, programUrl };
}

function ofCode(code: string, { reservedWords }: Pick<ShareableOptions, 'reservedWords'>): RuleBroken | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(code)) return broken('code_illegal_character');
  if (code.length < 4 || code.length > 50) return broken('code_out_of_range');
  const lower = code.toLowerCase();
  return reservedWords.some((word) => lower.includes(word)) ? broken('code_contains_reserved_word') : undefined;
}

function ofContent(content: unknown, { blockedHosts }: Pick<ShareableOptions, 'blockedHosts'>): RuleBroken | undefined {
  if (!isObject(content)) return broken('binding_error', 'content is not an object');
  for (const field in content) {
    if (!CONTENT.has(field)) return broken('binding_error', `unknown field content.${field}`);
    if (typeof content[field] !== 'string') return broken('binding_error', `content.${field} is not a string`);
  }
  const { url, image_url: image } = content;
  if (typeof image === 'string' && !isWeb(image)) return broken('content_image_url_invalid');
  if (typeof url !== 'string') return undefined;
  if (!isWeb(url)) return broken('invalid_content_url');
  return blockedHosts.includes(new URL(url).hostname) ? broken('blocked_content_url') : undefined;
}

function dataOf(data: unknown): { data: Record<string, string> } | RuleBroken {
  if (!isObject(data)) return broken('binding_error', 'data is not an object');
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(data)) {
    if (name === '') return broken('data_attribute_name_invalid');
    if (name.length > 200) return broken('data_attribute_name_length_out_of_range');
    if (typeof value !== 'string') return broken('data_attribute_value_invalid');
    if (value.length > 2000) return broken('data_attribute_value_length_out_of_range');
    texts[name] = value;
  }
  return { data: texts };
}

function isWeb(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

function broken(error: ErrorCode, reason?: string): RuleBroken {
  return { error, parameters: reason === undefined ? {} : { reason } };
}
