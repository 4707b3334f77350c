import type { RemoteFile } from '../model.ts';

/** What is remembered of a file between two looks. Times are `Io.now()` of the look. */
export interface Observation {
  size: number;
  mtime: number;
  firstSeen: number;
  lastSeen: number;
  /** The first look at which it had this size and mtime. */
  stableSince: number;
}

/**
 * Whether a file has stopped growing: the same size and mtime at two looks at least `stableForMs` apart. The file's own
 * mtime is compared, never measured, so that a server with a wrong clock, or a preserved old mtime, delays nothing.
 */
export function judgeStability(
  previous: Observation | undefined,
  file: Pick<RemoteFile, 'size' | 'mtime'>,
  now: number,
  stableForMs: number,
): { observation: Observation; stable: boolean } {
  const { size, mtime } = file;
  const fresh: Observation = { size, mtime, firstSeen: previous?.firstSeen ?? now, lastSeen: now, stableSince: now };
  if (previous === undefined) return { observation: fresh, stable: false };
  if (previous.size !== size || previous.mtime !== mtime) return { observation: fresh, stable: false };
  // Our own clock went back: what was measured before says nothing, so the wait starts again from here.
  if (now < previous.lastSeen) return { observation: fresh, stable: stableForMs <= 0 };
  const observation = { ...previous, lastSeen: now };
  return { observation, stable: now - previous.stableSince >= stableForMs };
}

const UNFINISHED = /(?:\.(?:tmp|temp|part|partial|filepart|crdownload|download|incomplete|swp|swx|lock|uploading)|~)$/i;
const OUR_OWN = /\.(?:results|report)(?:\.r\d+)?\.(?:csv|psv|tsv|txt|json|jsonl|html)(?:\.r\d+)?(?:\.pgp)?$/i;

/** False for names that are never input: hidden, temporary, or written by us. */
export function isCandidateName(name: string): boolean {
  return name !== '' && !name.startsWith('.') && !UNFINISHED.test(name) && !OUR_OWN.test(name);
}

/** Names such as `x.csv.filepart` show that `x.csv` itself is still being written. */
export function isBeingWritten(name: string, names: ReadonlySet<string>): boolean {
  return ['.filepart', '.part', '.tmp', '.crdownload', '.partial'].some((ending) => names.has(name + ending));
}

/** The name of the marker file that says `name` is complete; `{name}.done` and `{stem}.ok` are what is usual. */
export function markerFor(name: string, pattern: string): string {
  const dot = name.lastIndexOf('.');
  const stem = dot > 0 ? name.slice(0, dot) : name;
  return pattern.replace(/\{(name|stem)\}/g, (_, field) => (field === 'name' ? name : stem));
}

/** Whether a name is one that `markerFor` makes of some other name. */
export function markerPattern(pattern: string): (name: string) => boolean {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const expression = new RegExp(
    `^${pattern
      .split(/\{(?:name|stem)\}/)
      .map(literal)
      .join('.+')}$`,
    's',
  );
  return (name) => expression.test(name);
}

/** Whether the marker of `name` is among the names of its folder. */
export function hasMarker(name: string, pattern: string, names: ReadonlySet<string>): boolean {
  return names.has(markerFor(name, pattern));
}

/** Glob over a name: `*`, `?`, `[abc]`, `[!a-z]`, `{a,b}`. Letters match in their own case. Takes at most |pattern| x |name| steps. */
export function matchPattern(pattern: string): (name: string) => boolean {
  const alternatives = expandBraces(pattern).map(parseGlob);
  return (name) => {
    const chars = Array.from(name);
    return alternatives.some((parts) => matchParts(parts, chars));
  };
}

type Part = '*' | ((char: string) => boolean);

function expandBraces(pattern: string): string[] {
  const found = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
  const list = found?.[1];
  if (found === null || list === undefined) return [pattern];
  const before = pattern.slice(0, found.index);
  const after = pattern.slice(found.index + found[0].length);
  return list.split(',').flatMap((choice) => expandBraces(before + choice + after));
}

function parseGlob(pattern: string): Part[] {
  const chars = Array.from(pattern);
  const parts: Part[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] ?? '';
    const close = char === '[' ? chars.indexOf(']', i + 2) : -1;
    if (char === '*') {
      if (parts.at(-1) !== '*') parts.push('*');
    } else if (char === '?') {
      parts.push(() => true);
    } else if (close > 0) {
      parts.push(characterClass(chars.slice(i + 1, close)));
      i = close;
    } else {
      parts.push((other) => other === char);
    }
  }
  return parts;
}

function characterClass(body: string[]): (char: string) => boolean {
  const negated = body[0] === '!' || body[0] === '^';
  const members = negated ? body.slice(1) : body;
  const ranges: [string, string][] = [];
  for (let i = 0; i < members.length; i++) {
    const from = members[i] ?? '';
    const to = members[i + 1] === '-' ? members[i + 2] : undefined;
    ranges.push([from, to ?? from]);
    if (to !== undefined) i += 2;
  }
  return (char) => ranges.some(([from, to]) => char >= from && char <= to) !== negated;
}

/** On a mismatch only the last star is tried again, one character further. */
function matchParts(parts: readonly Part[], chars: readonly string[]): boolean {
  let part = 0;
  let star = -1;
  let resume = 0;
  for (let at = 0; at < chars.length; ) {
    const wanted = parts[part];
    if (wanted === '*') {
      star = part++;
      resume = at;
    } else if (wanted?.(chars[at] ?? '')) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (parts[part] === '*') part++;
  return part === parts.length;
}
