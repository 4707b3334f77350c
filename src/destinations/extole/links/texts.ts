import type { LinkPerson } from './answers.ts';
import type { LinksSettings } from './settings.ts';

/** Texts with places for a customer's columns: `{first_name}{employee_id}`. */
export const TEMPLATE = /^(?:[^{}]|\{[^{}]+\})*$/;

const PLACE = /\{([^{}]+)\}/g;

/** The names in a template, in order. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(PLACE)].map(([, name = '']) => name);
}

/** `undefined` where a name has no value, or a blank one: half a text is none. */
export function fill(template: string, values: ReadonlyMap<string, string>): string | undefined {
  if (namesIn(template).some((name) => (values.get(name) ?? '').trim() === '')) return undefined;
  return fillLoosely(template, values);
}

/** Names without a value leave nothing behind. */
export function fillLoosely(template: string, values: ReadonlyMap<string, string>): string {
  return template.replace(PLACE, (_place, name: string) => (values.get(name) ?? '').trim());
}

/** What the names of a template stand for. The label, Extole's id and the customer's ids are not to be had from a column of that name. */
export function valuesOf(label: string, personId: string, person: LinkPerson): ReadonlyMap<string, string> {
  const values = new Map(Object.entries(person.columns));
  if (person.email !== undefined) values.set('email', person.email);
  if (person.partnerUserId !== undefined) values.set('partner_user_id', person.partnerUserId);
  return values.set('label', label).set('person_id', personId);
}

/** Texts whose columns are all there. */
export function dataOf(data: LinksSettings['data'], values: ReadonlyMap<string, string>): Record<string, string> {
  return filled(Object.entries(data), values);
}

/** `undefined` where no text is left. */
export function contentOf(
  content: LinksSettings['content'],
  values: ReadonlyMap<string, string>,
): Record<string, string> | undefined {
  if (content === undefined) return undefined;
  const named: [string, string | undefined][] = [
    ['partner_content_id', content.partnerContentId],
    ['title', content.title],
    ['description', content.description],
    ['image_url', content.imageUrl],
    ['url', content.url],
  ];
  const texts = filled(named, values);
  return Object.keys(texts).length === 0 ? undefined : texts;
}

function filled(
  templates: readonly (readonly [string, string | undefined])[],
  values: ReadonlyMap<string, string>,
): Record<string, string> {
  const texts: [string, string][] = [];
  for (const [name, template] of templates) {
    const text = template === undefined ? undefined : fill(template, values);
    if (text !== undefined) texts.push([name, text]);
  }
  return Object.fromEntries(texts);
}
