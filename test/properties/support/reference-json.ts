/**
 * A second reading of one JSON object (RFC 8259), with nothing of the program and nothing of JSON.parse: every key and value as the
 * program should see it. Objects inside are flattened with dots, numbers stay as written, null is no value.
 */
export type ReferenceObject =
  | { ok: true; fields: [string, string | undefined][] }
  | { ok: false; why: 'syntax' | 'no object' | 'duplicate' | 'name' };

class Syntax extends Error {}

type Node =
  | { kind: 'object'; members: [string, Node][] }
  | { kind: 'array'; items: Node[] }
  | { kind: 'string'; value: string }
  | { kind: 'word'; text: string }
  | { kind: 'null' };

export function readReferenceObject(text: string): ReferenceObject {
  let node: Node;
  try {
    node = parse(text);
  } catch (error) {
    if (error instanceof Syntax) return { ok: false, why: 'syntax' };
    throw error;
  }
  if (node.kind !== 'object') return { ok: false, why: 'no object' };
  const found = { duplicate: false, name: false };
  const fields: [string, string | undefined][] = [];
  flatten(node.members, '', fields, found);
  if (found.name) return { ok: false, why: 'name' };
  return found.duplicate ? { ok: false, why: 'duplicate' } : { ok: true, fields };
}

/** How many elements a text has that is one JSON array; `undefined` where it is none. */
export function elementsOf(text: string): number | undefined {
  try {
    const node = parse(text);
    return node.kind === 'array' ? node.items.length : undefined;
  } catch (error) {
    if (error instanceof Syntax) return undefined;
    throw error;
  }
}

interface Found {
  duplicate: boolean;
  name: boolean;
}

const RESERVED = ['__proto__', 'constructor', 'prototype'];

function look(members: [string, Node][], found: Found): void {
  const names = members.map(([name]) => name);
  if (new Set(names).size < names.length) found.duplicate = true;
  if (names.some((name) => RESERVED.includes(name.trim()))) found.name = true;
}

function flatten(
  members: [string, Node][],
  prefix: string,
  fields: [string, string | undefined][],
  found: Found,
): void {
  look(members, found);
  for (const [key, node] of members) {
    if (key.trim() === '') found.name = true;
    const name = prefix + key.trim();
    if (node.kind === 'object') flatten(node.members, `${name}.`, fields, found);
    else if (node.kind === 'null') fields.push([name, undefined]);
    else fields.push([name, node.kind === 'string' ? node.value : written(node, found)]);
  }
}

function written(node: Node, found: Found): string {
  switch (node.kind) {
    case 'null':
      return 'null';
    case 'word':
      return node.text;
    case 'string':
      return JSON.stringify(node.value);
    case 'array':
      return `[${node.items.map((item) => written(item, found)).join(',')}]`;
    case 'object':
      look(node.members, found);
      return `{${node.members.map(([name, member]) => `${JSON.stringify(name)}:${written(member, found)}`).join(',')}}`;
  }
}

const WORD = /(?:true|false|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

function parse(text: string): Node {
  let at = 0;
  const space = (): void => {
    while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  };
  const string = (): string => {
    if (text[at++] !== '"') throw new Syntax();
    let value = '';
    for (;;) {
      const character = text.charAt(at++);
      if (character === '' || character < ' ') throw new Syntax();
      if (character === '"') return value;
      if (character !== '\\') value += character;
      else if (text[at] === 'u') {
        const hex = text.slice(at + 1, at + 5);
        if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw new Syntax();
        value += String.fromCharCode(Number.parseInt(hex, 16));
        at += 5;
      } else {
        const escaped = ESCAPES[text.charAt(at++)];
        if (escaped === undefined) throw new Syntax();
        value += escaped;
      }
    }
  };
  const members = <T>(close: string, one: () => T): T[] => {
    at++;
    const list: T[] = [];
    space();
    if (text[at] === close) {
      at++;
      return list;
    }
    for (;;) {
      space();
      list.push(one());
      space();
      const next = text[at++];
      if (next === close) return list;
      if (next !== ',') throw new Syntax();
    }
  };
  const value = (): Node => {
    space();
    if (text[at] === '"') return { kind: 'string', value: string() };
    if (text[at] === '[') return { kind: 'array', items: members(']', value) };
    if (text[at] === '{') {
      const pairs = members('}', (): [string, Node] => {
        const name = string();
        space();
        if (text[at++] !== ':') throw new Syntax();
        return [name, value()];
      });
      return { kind: 'object', members: pairs };
    }
    if (text.startsWith('null', at)) {
      at += 4;
      return { kind: 'null' };
    }
    WORD.lastIndex = at;
    const word = WORD.exec(text)?.[0];
    if (word === undefined) throw new Syntax();
    at += word.length;
    return { kind: 'word', text: word };
  };
  const node = value();
  space();
  if (at < text.length) throw new Syntax();
  return node;
}
