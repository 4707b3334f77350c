import type * as z from 'zod';
import { descriptionAt, fieldsAt, jobJsonSchema, type SchemaNode, valuesAt } from './json-schema.ts';
import { isSecret, type Path } from './references.ts';
import { suggest } from './suggest.ts';

/** What is wrong at a path of a job, in words for the person who wrote it. */
export interface Complaint {
  path: Path;
  /** Whether the field's name is at fault, not its value. */
  at: 'key' | 'value';
  found?: string;
  message: string;
  hint?: string;
}

let schema: SchemaNode | undefined;

/** Explains what zod found. `raw` is the job as written, with references unresolved, so that no secret is repeated. */
export function explainIssues(issues: readonly z.core.$ZodIssue[], raw: unknown): Complaint[] {
  schema ??= jobJsonSchema();
  const known = schema;
  return issues.flatMap((issue) => explain(issue, [], raw, known));
}

function explain(issue: z.core.$ZodIssue, prefix: Path, raw: unknown, known: SchemaNode): Complaint[] {
  const path = [...prefix, ...issue.path];
  const value = valueAt(raw, path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownField(path, key, known, raw));
  if (issue.code === 'invalid_union') {
    const allowed = issue.errors.length === 0 ? valuesAt(known, path) : [];
    if (allowed.length > 0) return [noneOf(path, value, allowed, known)];
    const branch = likeliest(issue.errors);
    return branch === undefined
      ? [wrongForm(path, value, known, raw)]
      : branch.flatMap((each) => explain(each, path, raw, known));
  }
  if (isMismatch(issue) && (value === undefined || value === null)) return [absent(path, value, known, raw)];
  const found = show(value, path);
  const complaint = { path, at: 'value', ...(found === undefined ? {} : { found }) } as const;
  if (issue.code === 'invalid_type') return [{ ...complaint, message: `expected ${typeName(issue.expected)}` }];
  if (issue.code === 'invalid_value') return [noneOf(path, value, issue.values.map(String), known)];
  if (issue.code === 'invalid_key') {
    return [{ ...complaint, at: 'key', message: issue.issues.map(({ message }) => message).join('; ') }];
  }
  return [{ ...complaint, message: issue.message }];
}

/** One of a few values is wanted. */
function noneOf(path: Path, value: unknown, allowed: readonly string[], known: SchemaNode): Complaint {
  if (value === undefined || value === null) return absent(path, value, known, undefined);
  const found = show(value, path);
  const meant = suggest(String(value), allowed);
  return {
    path,
    at: 'value',
    ...(found === undefined ? {} : { found }),
    message: `allowed: ${allowed.join(', ')}`,
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  };
}

function unknownField(parent: Path, key: string, known: SchemaNode, raw: unknown): Complaint {
  const allowed = [...new Set(fieldsAt(known, parent, raw))].filter((name) => name !== '$schema');
  const meant = suggest(key, allowed);
  const where = parent.length === 0 ? 'a job' : parent.map(String).join('.');
  const hint = meant === undefined ? `${where} may have: ${allowed.join(', ')}` : `did you mean ${meant}?`;
  return { path: [...parent, key], at: 'key', message: `there is no field "${key}" in ${where}`, hint };
}

/** Of a value's possible forms, the one that the person was writing: the one whose own type fits. */
function likeliest(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  return branches.find((issues) => !issues.some((issue) => issue.path.length === 0 && isMismatch(issue)));
}

function isMismatch(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union';
}

function absent(path: Path, value: undefined | null, known: SchemaNode, raw: unknown): Complaint {
  const name = String(path.at(-1) ?? 'the job');
  const description = descriptionAt(known, path, raw);
  const message = `${name} ${value === null ? 'has no value' : 'is missing'}`;
  return { path, at: 'value', message, ...(description === undefined ? {} : { hint: description }) };
}

function wrongForm(path: Path, value: unknown, known: SchemaNode, raw: unknown): Complaint {
  if (value === undefined || value === null) return absent(path, value, known, raw);
  const description = descriptionAt(known, path, raw);
  const found = show(value, path);
  return {
    path,
    at: 'value',
    message: 'a value of this kind is not possible here',
    ...(found === undefined ? {} : { found }),
    ...(description === undefined ? {} : { hint: description }),
  };
}

function typeName(expected: string): string {
  const names: Readonly<Record<string, string>> = {
    string: 'text',
    int: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
    object: 'fields, indented below',
    record: 'fields, indented below',
    array: 'a list',
  };
  return names[expected] ?? expected;
}

/** A value as written, short; nothing of a secret. */
function show(value: unknown, path: Path): string | undefined {
  if (value === undefined || isSecret(path)) return undefined;
  const text = JSON.stringify(withoutSecrets(value, path)) ?? '';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

/** A password in a URL, which is refused for that and must not be repeated. */
const IN_URL = /(\/\/[^\s/:@]*:)[^\s/]*@/g;

/** A block may hold secrets further down. */
function withoutSecrets(value: unknown, path: Path): unknown {
  if (isSecret(path)) return '(not shown)';
  if (typeof value === 'string') return value.replace(IN_URL, '$1(not shown)@');
  if (Array.isArray(value)) return value.map((item, i) => withoutSecrets(item, [...path, i]));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withoutSecrets(item, [...path, name])]));
}

export function valueAt(data: unknown, path: Path): unknown {
  let value = data;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
