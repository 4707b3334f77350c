import type { UploadSettings } from '../../../destinations/extole/upload-settings.ts';

type ResultsSettings = UploadSettings['results'];

/** Where a results file has what is needed to know a row again, and the columns that Extole added. */
export interface Layout {
  /** How many columns a line has. */
  width: number;
  key: number;
  eventName: number;
  extras: { at: number; name: string }[];
  /** Our columns are the last ones, in order: they are found from the end, also where a message has split its line. */
  suffix: boolean;
}

/** Which of the added columns says what. */
export interface Reading {
  status: number;
  /** What the words of the status column mean, lower case. */
  means: ReadonlyMap<string, 'success' | 'failure'>;
  message: readonly number[];
  code: number | undefined;
}

/** What a line says of its row. */
export type Verdict =
  | { kind: 'success' }
  | { kind: 'failure'; code: string; message: string }
  | { kind: 'unclear'; found: string };

const fold = (name: string): string => name.trim().toLowerCase();

/**
 * Compares the header of a results file with that of the uploaded one. `undefined`: it does not carry our columns, each once. The
 * added columns are told by position where ours are the last ones in their order, else by name.
 */
export function layoutOf(header: readonly string[], ours: readonly string[], keyField: string): Layout | undefined {
  const found = header.map(fold);
  const wanted = ours.map(fold);
  const start = found.length - wanted.length;
  const suffix = start >= 0 && wanted.every((name, i) => found[start + i] === name);
  if (!suffix && !wanted.every((name) => found.filter((each) => each === name).length === 1)) return undefined;
  const place = (name: string): number => (suffix ? start + wanted.indexOf(fold(name)) : found.indexOf(fold(name)));
  const isExtra = (at: number): boolean => (suffix ? at < start : !wanted.includes(found[at] ?? ''));
  const extras = header.map((name, at) => ({ at, name: name.trim() })).filter(({ at }) => isExtra(at));
  return { width: header.length, key: place(keyField), eventName: place('event_name'), extras, suffix };
}

const STATUS_NAME = /^(?:row[ _-]?)?(?:status|result|outcome|state)$/;
const SUCCESS_NAME = /^(?:is[ _-]?)?(?:success|succeeded|successful|ok|accepted|processed|valid)$/;
const FAILURE_NAME = /^(?:is[ _-]?|has[ _-]?)?(?:failure|failed|error|rejected|invalid)$/;
const MESSAGE_NAME = /message|reason|detail|description|error|note/;
const CODE_NAME = /(?:^|[ _-])code$/;

const YES = ['true', 'yes', 'y', '1'];
const NO = ['false', 'no', 'n', '0'];

/**
 * Finds out which added column says whether a row was accepted. `values` are the distinct values of each added column, lower case,
 * `undefined` where there are too many to be a status. Strict: `undefined` unless exactly one column can be understood.
 */
export function readingOf(
  { extras }: Layout,
  values: ReadonlyMap<number, ReadonlySet<string> | undefined>,
  settings: ResultsSettings,
): Reading | undefined {
  const candidates = extras.flatMap(({ at, name }) => {
    const means = meaningOf(fold(name), settings);
    const seen = values.get(at);
    if (settings.statusColumn !== undefined) return fold(name) === fold(settings.statusColumn) ? [{ at, means }] : [];
    if (!seen || seen.size === 0 || ![...seen].every((value) => means.has(value))) return [];
    return [{ at, means, named: STATUS_NAME.test(fold(name)) || SUCCESS_NAME.test(fold(name)) }];
  });
  const named = candidates.filter((each) => 'named' in each && each.named);
  const chosen = candidates.length > 1 ? named : candidates;
  const status = chosen.length === 1 ? chosen[0] : undefined;
  if (!status) return undefined;
  const others = extras.filter(({ at }) => at !== status.at);
  const messageNamed = others.filter(({ name }) =>
    settings.messageColumn === undefined
      ? MESSAGE_NAME.test(fold(name)) && !CODE_NAME.test(fold(name))
      : fold(name) === fold(settings.messageColumn),
  );
  return {
    status: status.at,
    means: status.means,
    message: messageNamed.map(({ at }) => at),
    code: others.find(({ name }) => CODE_NAME.test(fold(name)))?.at,
  };
}

/** Words for yes and no mean something only under a name that says of what. */
function meaningOf(name: string, settings: ResultsSettings): Map<string, 'success' | 'failure'> {
  const means = new Map<string, 'success' | 'failure'>();
  for (const word of settings.success) means.set(word, 'success');
  for (const word of settings.failure) means.set(word, 'failure');
  const asked = settings.statusColumn !== undefined && fold(settings.statusColumn) === name;
  if (SUCCESS_NAME.test(name) || (asked && !FAILURE_NAME.test(name))) {
    for (const word of YES) means.set(word, 'success');
    for (const word of NO) means.set(word, 'failure');
  } else if (FAILURE_NAME.test(name)) {
    for (const word of YES) means.set(word, 'failure');
    for (const word of NO) means.set(word, 'success');
  }
  return means;
}

const CODE = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/;
const CODE_FIRST = /^([a-z][a-z0-9]*(?:_[a-z0-9]+)+)\s*(?::|$|-)/;

/** What a line says. The code is Extole's own where it gives one, in its column or before its message. */
export function verdictOf(fields: readonly string[], reading: Reading): Verdict {
  const word = (fields[reading.status] ?? '').trim();
  const means = reading.means.get(word.toLowerCase());
  if (means === undefined) return { kind: 'unclear', found: word };
  if (means === 'success') return { kind: 'success' };
  const message = reading.message
    .map((at) => (fields[at] ?? '').trim())
    .filter((text) => text !== '')
    .join('; ');
  const given = reading.code === undefined ? '' : (fields[reading.code] ?? '').trim();
  const code = CODE.test(given) ? given : (CODE_FIRST.exec(message)?.[1] ?? '');
  return { kind: 'failure', code: code === '' ? 'EXTOLE_ROW_FAILED' : code, message };
}
