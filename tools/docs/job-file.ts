/** Writes the tables of docs/job-file.md from the schema of job files: `npx node tools/docs/job-file.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { jobJsonSchema, type SchemaNode, schemaAt } from '../../src/jobs/json-schema.ts';
import { formatDuration } from '../../src/mapping/duration.ts';
import { remoteSettings } from '../../src/remotes/settings.ts';

const PAGE = new URL('../../docs/job-file.md', import.meta.url);
const BEGIN = '<!-- fields: written by tools/docs/job-file.ts -->';
const END = '<!-- end of fields -->';

interface Field {
  path: string;
  form: string;
  byDefault: string;
  about: string;
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function branches(node: SchemaNode): SchemaNode[] {
  const { anyOf, oneOf } = node;
  const list = [anyOf, oneOf].flatMap((each) => (Array.isArray(each) ? each.filter(isNode) : []));
  return list.length === 0 ? [node] : list.flatMap(branches);
}

/** A reference may stand everywhere; the page says so once. */
const isReference = (node: SchemaNode): boolean => String(node.pattern ?? '').startsWith('\\$\\{(env|file)');

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: '`true` `false`',
  integer: 'whole number',
};

function formOf(node: SchemaNode): string {
  const forms = branches(node)
    .filter((each) => !isReference(each))
    .map((each) => {
      if (Array.isArray(each.enum)) return each.enum.map((value) => `\`${String(value)}\``).join(' ');
      if (each.const !== undefined) return `\`${String(each.const)}\``;
      if (each.type === 'array') return isNode(each.items) ? `list of ${formOf(each.items)}` : 'list';
      if (each.type === 'object') return isNode(each.additionalProperties) ? 'names and values' : 'fields, see below';
      const types = Array.isArray(each.type) ? each.type.map(String) : [String(each.type ?? 'text')];
      return types.map((type) => WORDS[type] ?? type).join(' or ');
    });
  return [...new Set(forms)].join(' or ');
}

/** Defaults that stand in the schema after the duration was read, so that JSON Schema does not know of them. */
const TIMEOUTS = remoteSettings.parse({ url: 'file:///inbox' });

function defaultOf(node: SchemaNode, path: string): string {
  const { default: value } = node;
  const timeout = Object.entries(TIMEOUTS).find(([name]) => path === `source.${name}`)?.[1];
  if (value === undefined && typeof timeout === 'number') return `\`${formatDuration(timeout)}\``;
  if (value === undefined || isNode(value)) return '';
  if (Array.isArray(value)) return value.length === 0 ? '' : `\`${JSON.stringify(value)}\``;
  return `\`${String(value)}\``;
}

function fieldsOf(node: SchemaNode, path: string): Field[] {
  return branches(node).flatMap((branch) => {
    const required = Array.isArray(branch.required) ? branch.required : [];
    const named = isNode(branch.properties) ? Object.entries(branch.properties) : [];
    const fields = named.flatMap(([name, child]): Field[] => {
      if (!isNode(child)) return [];
      const at = path === '' ? name : `${path}.${name}`;
      const byDefault = defaultOf(child, at);
      const needed = required.includes(name) && byDefault === '' ? '**required**' : byDefault;
      const about = branches(child).find((each) => each.description !== undefined)?.description;
      const field = {
        path: at,
        form: formOf(child),
        byDefault: needed,
        about: String(child.description ?? about ?? ''),
      };
      return [field, ...fieldsOf(child, at)];
    });
    const any = isNode(branch.additionalProperties) ? fieldsOf(branch.additionalProperties, `${path}.NAME`) : [];
    const each = isNode(branch.items) ? fieldsOf(branch.items, `${path}.N`) : [];
    return [...fields, ...any, ...each];
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Descriptions repeat the default for editors; the table has a column for it. */
const withoutDefault = (about: string): string => about.replace(/\s*Default [^\s.:,]+\.$/, '');

function table(fields: readonly Field[]): string[] {
  const rows = fields.map(({ path, form, byDefault, about }) => {
    const told = byDefault === '' ? about : withoutDefault(about);
    return `| \`${path}\` | ${cell(form)} | ${cell(byDefault)} | ${cell(told)} |`;
  });
  return ['| field | what may stand there | default | what it does |', '|---|---|---|---|', ...rows];
}

function tables(fields: readonly Field[], top: string): string[] {
  const blocks = [
    ...new Set(fields.filter(({ path }) => path.includes('.')).map(({ path }) => path.split('.')[0] ?? '')),
  ];
  const own = fields.filter(({ path }) => !path.includes('.'));
  const lines = [`### ${top}`, '', ...table(own)];
  for (const block of blocks) {
    const of = top === 'The job' ? '' : ` (${top})`;
    lines.push('', `### ${block}${of}`, '', ...table(fields.filter(({ path }) => path.startsWith(`${block}.`))));
  }
  return lines;
}

/**
 * The tables: the job itself, then one for each of its blocks. Of a further pipeline, what is other than in the first one; what it
 * does not have at all is not said.
 */
export function renderFields(): string {
  const schema = jobJsonSchema();
  const pipelines = Array.isArray(schema.oneOf) ? schema.oneOf.filter(isNode) : [];
  const known = new Set<string>();
  return pipelines
    .flatMap((pipeline, i) => {
      const fields = fieldsOf(pipeline, '').filter(({ path }) => path !== '$schema');
      const unique = fields.filter(({ path }, n) => fields.findIndex((other) => other.path === path) === n);
      const other = unique.filter((field) => !known.has(JSON.stringify(field)));
      for (const field of other) known.add(JSON.stringify(field));
      const name = String(schemaAt(pipeline, ['pipeline']).find((node) => node.const !== undefined)?.const);
      return [...(i === 0 ? [] : ['']), ...tables(other, i === 0 ? 'The job' : name)];
    })
    .join('\n');
}

export function withFields(page: string, fields: string): string {
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`docs/job-file.md lacks ${BEGIN} or ${END}`);
  return `${page.slice(0, before + BEGIN.length)}\n\n${fields}\n\n${page.slice(after)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = await readFile(PAGE, 'utf8');
  await writeFile(PAGE, withFields(page, renderFields()));
}
