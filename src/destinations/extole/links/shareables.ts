import { exactObject, type JsonObject, jsonObjects } from '../reply-json.ts';
import { ok, type Step } from './answers.ts';
import type { Attempt } from './calls.ts';
import { asRejected, badAnswer, type Said } from './classify.ts';
import type { LinksSettings } from './settings.ts';

/** A link as Extole lists it. */
export interface Shareable {
  code: string;
  /** With https://. */
  link: string;
  /** Empty where it has none. */
  key: string;
  label: string;
  /** Milliseconds since 1970; later than all where it is not known. */
  createdAt: number;
}

/** Links of one person are few; more than a page of them are read page by page. */
const PAGE = 200;
const PAGES = 50;

/** All links of a person, those of a label where one is given. `person_not_found` is `refused` with that code. */
export async function listShareables(
  attempt: Attempt,
  settings: LinksSettings,
  personId: string,
  label?: string,
): Promise<Step<Shareable[]>> {
  const found: Shareable[] = [];
  for (let page = 0; page < PAGES; page += 1) {
    const query = { ...(label === undefined ? {} : { labels: label }), limit: `${PAGE}`, offset: `${page * PAGE}` };
    const said = await attempt.get(pathOf(settings.paths.persons, personId), query, shareablesOf, 'a list of links');
    if (said.kind === 'refused') return asRejected(said);
    if (said.kind !== 'read') return said;
    found.push(...said.value);
    if (said.value.length < PAGE) break;
  }
  return ok(label === undefined ? found : found.filter((one) => sameLabel(one.label, label)));
}

/**
 * Which of a person's links for a label is the one: that with our own key, since it is the one we made; else the oldest, because
 * it is the one that mails and prints carry already. Never a matter of order or chance, so each run finds the same.
 */
export function chooseShareable(list: readonly Shareable[], key: string): Shareable | undefined {
  const own = list.find((one) => one.key === key);
  if (own) return own;
  return [...list].sort((a, b) => a.createdAt - b.createdAt || (a.code < b.code ? -1 : 1))[0];
}

export interface NewShareable {
  label: string;
  key: string;
  code: string | undefined;
  content: Readonly<Record<string, string>> | undefined;
  data: Readonly<Record<string, string>>;
}

/** Asks for a link; what Extole made, where it says so. */
export async function postShareable(
  attempt: Attempt,
  settings: LinksSettings,
  personId: string,
  link: NewShareable,
): Promise<Exclude<Said, { kind: 'ok' }> | { kind: 'made'; shareable: Shareable }> {
  const { apiVersion, paths, programUrl } = settings;
  const v3 = apiVersion === 'v3';
  const programField = settings.programUrlField ?? (v3 ? 'program-url' : 'program_url');
  const { code, content, data } = link;
  const said = await attempt.post(pathOf(v3 ? paths.personsV3 : paths.persons, personId), {
    label: link.label,
    key: link.key,
    ...(code === undefined ? {} : { code }),
    ...(content === undefined ? {} : { content }),
    ...(Object.keys(data).length === 0 ? {} : { data }),
    ...(programUrl === undefined ? {} : { [programField]: programUrl }),
  });
  if (said.kind !== 'ok') return said;
  const object = exactObject(said.body);
  const shareable = object && shareableOf(object);
  return shareable ? { kind: 'made', shareable } : badAnswer('names no link');
}

/** Whether Extole keeps capital letters of a label is not documented; two labels that differ in nothing else are a mistake. */
export function sameLabel(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function pathOf(persons: string, personId: string): string {
  return `${persons}/${encodeURIComponent(personId)}/shareables`;
}

function shareablesOf(body: string): Shareable[] | undefined {
  const list = jsonObjects(body)?.map(shareableOf);
  return list?.every((one) => one !== undefined) ? list : undefined;
}

function shareableOf(object: JsonObject): Shareable | undefined {
  const code = textOf(object.code);
  const link = httpsLink(textOf(object.link));
  if (code === '' || /[\s\p{Cc}]/u.test(code) || link === undefined) return undefined;
  const created = Date.parse(textOf(object.created_date));
  return {
    code,
    link,
    key: textOf(object.key),
    label: textOf(object.label),
    createdAt: Number.isNaN(created) ? Number.MAX_SAFE_INTEGER : created,
  };
}

/** A link with https://, which Extole writes in some places and leaves out in others; `undefined` where it is none. */
export function httpsLink(text: string): string | undefined {
  if (text === '' || /[\s\p{Cc}"<>\\]/u.test(text)) return undefined;
  const [, scheme = '', rest = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/i.exec(text) ?? [];
  if (!['', 'http', 'https'].includes(scheme.toLowerCase())) return undefined;
  const link = `https://${rest.replace(/^\/\//, '')}`;
  if (!URL.canParse(link)) return undefined;
  const { hostname, username, password } = new URL(link);
  return hostname !== '' && username === '' && password === '' ? link : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
