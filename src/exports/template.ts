import type { ExportRow } from './row.ts';

/** The value of a cell: a row and its link with `https://`. */
export type Cell = (row: ExportRow, link: string) => string;

/** Names that mean something of the row itself; every other name is a column of the source. */
const OWN: Readonly<Record<string, Cell>> = {
  email: (row) => row.email ?? '',
  partner_user_id: (row) => row.partnerUserId ?? '',
  link: (_row, link) => link,
  code: (row) => row.code,
};

export const OWN_NAMES = Object.keys(OWN);

type Part = { text: string } | { name: string };

/** What is wrong with a template; `undefined` where it can be used. */
export function templateProblem(template: string): string | undefined {
  const parts = partsOf(template);
  return typeof parts === 'string' ? parts : undefined;
}

/** Columns of the source that a template names. */
export function fieldsOf(template: string): string[] {
  return readable(template).flatMap((part) => ('name' in part && !Object.hasOwn(OWN, part.name) ? [part.name] : []));
}

/** `Hi {first_name}`: names in braces are replaced, `{{` and `}}` are braces. A column that a row lacks is empty. */
export function compileTemplate(template: string): Cell {
  const cells = readable(template).map(cellOf);
  const [first = () => '', second, ...others] = cells;
  if (second === undefined) return first;
  const rest = [second, ...others];
  return (row, link) => {
    let text = first(row, link);
    for (const cell of rest) text += cell(row, link);
    return text;
  };
}

function cellOf(part: Part): Cell {
  if ('text' in part) return () => part.text;
  const { name } = part;
  const own = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
  if (own !== undefined) return own;
  return ({ fields }) => {
    const value: unknown = fields[name];
    // Every object has a `constructor` that is no column.
    return typeof value === 'string' ? value : '';
  };
}

/** Settings were checked, so what cannot be read never comes here. */
function readable(template: string): Part[] {
  const parts = partsOf(template);
  if (typeof parts === 'string') throw new Error(parts);
  return parts;
}

function partsOf(template: string): Part[] | string {
  const parts: Part[] = [];
  let text = '';
  for (let at = 0; at < template.length; at++) {
    const character = template.charAt(at);
    if ((character === '{' || character === '}') && template.charAt(at + 1) === character) {
      text += character;
      at++;
    } else if (character === '{') {
      const end = template.indexOf('}', at);
      const name = template.slice(at + 1, end).trim();
      if (end === -1 || name === '' || name.includes('{'))
        return `found "${template}"; a name in braces is expected, such as {first_name}; write {{ for a brace`;
      if (text !== '') parts.push({ text });
      text = '';
      parts.push({ name });
      at = end;
    } else if (character === '}') {
      return `found "${template}"; a } without a { before it; write }} for a brace`;
    } else text += character;
  }
  if (text !== '') parts.push({ text });
  return parts;
}
