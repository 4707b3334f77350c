import * as z from 'zod';
import { jobSchema } from './schema.ts';

/** A JSON Schema, as far as this file looks into it. */
export interface SchemaNode {
  [keyword: string]: unknown;
}

/** The JSON Schema of job files, for editors: what may be written, with a description of each field. */
export function jobJsonSchema(): SchemaNode {
  const schema = z.toJSONSchema(jobSchema, { io: 'input', unrepresentable: 'any' });
  const described = allowReferences(schema);
  return { ...described, type: 'object', title: 'Referry job' };
}

const REFERENCE: SchemaNode = {
  type: 'string',
  pattern: '\\$\\{(env|file):[^}]+\\}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a job file writes it
  description: 'A value by reference: ${env:NAME}, ${env:NAME:-default} or ${file:/path}.',
};

/** Everywhere a value of a certain form is asked for, a reference to one will do as well. */
function allowReferences(node: SchemaNode): SchemaNode {
  const copy: SchemaNode = {};
  for (const [keyword, value] of Object.entries(node)) {
    if (keyword === 'properties' && isNode(value)) {
      copy[keyword] = Object.fromEntries(
        Object.entries(value).map(([name, child]) => [name, isNode(child) ? allowReferences(child) : child]),
      );
    } else if ((keyword === 'anyOf' || keyword === 'oneOf' || keyword === 'allOf') && Array.isArray(value)) {
      copy[keyword] = value.map((child) => (isNode(child) ? allowReferences(child) : child));
    } else if ((keyword === 'items' || keyword === 'additionalProperties') && isNode(value)) {
      copy[keyword] = allowReferences(value);
    } else {
      copy[keyword] = value;
    }
  }
  return isFormed(copy) ? withReference(copy) : copy;
}

function isFormed(node: SchemaNode): boolean {
  if (node.type === 'number' || node.type === 'integer' || node.type === 'boolean') return true;
  return node.type === 'string' && ['pattern', 'enum', 'format'].some((keyword) => keyword in node);
}

function withReference(node: SchemaNode): SchemaNode {
  const { description, default: byDefault, ...form } = node;
  return {
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: [form, REFERENCE],
  };
}

function isNode(value: unknown): value is SchemaNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The parts of the schema that describe a path; several where a value may have several forms. Of forms that a field tells apart
 * (`pipeline`, `format`), the one that `written` (the whole job) has.
 */
export function schemaAt(schema: SchemaNode, path: readonly PropertyKey[], written?: unknown): SchemaNode[] {
  let value = written;
  let nodes = alternatives(schema, value);
  for (const part of path) {
    value = isNode(value) || Array.isArray(value) ? Reflect.get(value, part) : undefined;
    nodes = nodes.flatMap((node) => {
      const named = isNode(node.properties) ? node.properties[String(part)] : undefined;
      const child = typeof part === 'number' ? node.items : (named ?? node.additionalProperties);
      return isNode(child) ? alternatives(child, value) : [];
    });
  }
  return nodes;
}

function alternatives(node: SchemaNode, value: unknown): SchemaNode[] {
  const { anyOf, oneOf, allOf } = node;
  const branches = [anyOf, oneOf, allOf].flatMap((list) => (Array.isArray(list) ? list.filter(isNode) : []));
  const meant = branches.filter((branch) => isMeant(branch, value));
  return [node, ...(meant.length > 0 ? meant : branches).flatMap((branch) => alternatives(branch, value))];
}

/** Whether what is written is not of another kind. */
function isMeant({ properties }: SchemaNode, value: unknown): boolean {
  if (!isNode(properties) || !isNode(value)) return true;
  return Object.entries(properties).every(([name, child]) => {
    const only = isNode(child) ? child.const : undefined;
    return only === undefined || value[name] === undefined || value[name] === only;
  });
}

/** Names of the fields that may stand in the object at this path. */
export function fieldsAt(schema: SchemaNode, path: readonly PropertyKey[], written?: unknown): string[] {
  return schemaAt(schema, path, written).flatMap((node) =>
    isNode(node.properties) ? Object.keys(node.properties) : [],
  );
}

/** What the field at this path is for. */
export function descriptionAt(schema: SchemaNode, path: readonly PropertyKey[], written?: unknown): string | undefined {
  const descriptions = schemaAt(schema, path, written).map((node) => node.description);
  return descriptions.find((text): text is string => typeof text === 'string');
}

/** The only values that may stand at this path, where fields tell several forms apart. */
export function valuesAt(schema: SchemaNode, path: readonly PropertyKey[]): string[] {
  return schemaAt(schema, path).flatMap((node) => (node.const === undefined ? [] : [String(node.const)]));
}
