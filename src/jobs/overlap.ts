/** Whether some file name matches both globs. Where it cannot be told cheaply (two character classes), it is assumed. */
export function patternsOverlap(a: string, b: string): boolean {
  const right = alternatives(b).map(parse);
  return alternatives(a)
    .map(parse)
    .some((left) => right.some((other) => meet(left, other)));
}

/** `*`, or what one character may be; `undefined`: anything. */
type Token = '*' | { accepts: string | undefined };

function alternatives(pattern: string): string[] {
  const braces = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
  if (braces === null) return [pattern];
  const [whole, list = ''] = braces;
  const before = pattern.slice(0, braces.index);
  const after = pattern.slice(braces.index + whole.length);
  return list.split(',').flatMap((choice) => alternatives(before + choice + after));
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const [token] of pattern.matchAll(/\[[^\]]+\]|[\s\S]/gu)) {
    if (token === '*') tokens.push('*');
    else if (token === '?' || token.length > 2) tokens.push({ accepts: undefined });
    else tokens.push({ accepts: token });
  }
  return tokens;
}

function meet(a: readonly Token[], b: readonly Token[]): boolean {
  const seen = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const at = i * (b.length + 1) + j;
    let answer = seen.get(at);
    if (answer === undefined) {
      answer = step(i, j);
      seen.set(at, answer);
    }
    return answer;
  };
  const step = (i: number, j: number): boolean => {
    const left = a[i];
    const right = b[j];
    if (left === undefined && right === undefined) return true;
    if (left === '*') return from(i + 1, j) || (right !== undefined && from(i, j + 1));
    if (right === '*') return from(i, j + 1) || (left !== undefined && from(i + 1, j));
    if (left === undefined || right === undefined) return false;
    const same = left.accepts === undefined || right.accepts === undefined || left.accepts === right.accepts;
    return same && from(i + 1, j + 1);
  };
  return from(0, 0);
}
