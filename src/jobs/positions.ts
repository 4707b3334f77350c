import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';

export interface Position {
  line: number;
  column: number;
}

export interface YamlFile {
  data: unknown;
  problems: (Position & { field: string; message: string; hint?: string })[];
  /** Where the value at a path stands, or the nearest thing around it. `key`: where its name stands. */
  locate(path: readonly PropertyKey[], what?: 'key' | 'value'): Position;
}

/** Reads one YAML document and remembers where everything stands. Never throws. */
export function readYaml(text: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const problems: YamlFile['problems'] = [...document.errors, ...document.warnings].map((error) => ({
    ...at(error.pos[0]),
    field: '',
    message: `this is not valid YAML: ${error.message.split('\n')[0]}`,
    ...(error.code === 'BAD_INDENT' || error.code === 'TAB_AS_INDENT'
      ? { hint: 'indent with two spaces, no tabs' }
      : {}),
  }));

  // Ids and codes must survive as written, so a text that YAML turns into another number is told.
  visit(document, {
    Scalar(key, node, ancestors) {
      if (typeof node.value !== 'number' || node.source === undefined || node.source === String(node.value)) return;
      const names = ancestors.filter(isPair).map((pair) => (isScalar(pair.key) ? String(pair.key.value) : ''));
      if (names[0] !== 'event') return;
      const message = `found ${node.source}, which YAML reads as the number ${node.value}`;
      const field = (key === 'key' ? names.slice(0, -1) : names).join('.');
      problems.push({ ...at(node.range?.[0] ?? 0), field, message, hint: `write it in quotes: "${node.source}"` });
    },
  });

  let data: unknown;
  if (problems.length === 0) {
    try {
      data = document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      problems.push({ line: 1, column: 1, field: '', message: `this is not valid YAML: ${message}` });
    }
  }

  const locate = (path: readonly PropertyKey[], what: 'key' | 'value' = 'value'): Position => {
    let node: unknown = document.contents;
    let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
    for (const [index, part] of path.entries()) {
      if (isAlias(node)) node = node.resolve(document);
      const last = index === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
        if (pair === undefined) break;
        const start = isNode(pair.key) ? pair.key.range?.[0] : undefined;
        const valueStart = isNode(pair.value) ? pair.value.range?.[0] : undefined;
        const block = !isScalar(pair.value);
        offset = (last && what === 'value' && !block ? valueStart : start) ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(part)];
        offset = (isNode(node) ? node.range?.[0] : undefined) ?? offset;
      } else break;
    }
    return at(offset);
  };
  return { data, problems, locate };
}
