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
  return { ...described, title: 'Referry job' };
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

/** The parts of the schema that describe a path; several where a value may have several forms. */
export function schemaAt(schema: SchemaNode, path: readonly PropertyKey[]): SchemaNode[] {
  let nodes = alternatives(schema);
  for (const part of path) {
    nodes = nodes.flatMap((node) => {
      const named = isNode(node.properties) ? node.properties[String(part)] : undefined;
      const child = typeof part === 'number' ? node.items : (named ?? node.additionalProperties);
      return isNode(child) ? alternatives(child) : [];
    });
  }
  return nodes;
}

function alternatives(node: SchemaNode): SchemaNode[] {
  const { anyOf, oneOf, allOf } = node;
  const branches = [anyOf, oneOf, allOf].flatMap((list) => (Array.isArray(list) ? list.filter(isNode) : []));
  return [node, ...branches.flatMap(alternatives)];
}

/** Names of the fields that may stand in the object at this path. */
export function fieldsAt(schema: SchemaNode, path: readonly PropertyKey[]): string[] {
  return schemaAt(schema, path).flatMap((node) => (isNode(node.properties) ? Object.keys(node.properties) : []));
}

/** What the field at this path is for. */
export function descriptionAt(schema: SchemaNode, path: readonly PropertyKey[]): string | undefined {
  const descriptions = schemaAt(schema, path).map((node) => node.description);
  return descriptions.find((text): text is string => typeof text === 'string');
}
