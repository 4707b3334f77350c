import { expect, it } from 'vitest';
import { retryAfterMs } from '../../src/delivery/backoff.ts';
import { classify, clean, impersonal } from '../../src/destinations/extole/classify.ts';
import { jsonObject } from '../../src/destinations/extole/reply-json.ts';
import { parseEmail, parsePhone } from '../../src/mapping/contact.ts';
import { compileFormat } from '../../src/mapping/datetime.ts';
import { parseDuration } from '../../src/mapping/duration.ts';
import { eventNameOfFile } from '../../src/mapping/event-name.ts';
import { checkKey, isPlaceholder } from '../../src/mapping/key.ts';
import { compileAmount } from '../../src/mapping/money.ts';
import { looksLikePan } from '../../src/mapping/pan.ts';
import { cleanText, found, isPlain, masked, stripControls } from '../../src/mapping/text.ts';
import { decimal } from '../../src/parsing/decimal.ts';
import { fold, isReserved } from '../../src/parsing/header.ts';
import { readObject } from '../../src/parsing/json-object.ts';
import { statedChecksum } from '../../src/parsing/manifest.ts';
import { searchFor } from '../../src/pipelines/files/forget/search.ts';
import { parseKnownHosts } from '../../src/remotes/hostkey.ts';
import { fittingName, shown } from '../../src/remotes/names.ts';
import { isCandidateName, markerFor, markerPattern, matchPattern } from '../../src/remotes/stable.ts';
import { maskReason } from '../../src/reports/mask.ts';
import { resultsFormat, resultsName } from '../../src/reports/results.ts';
import { html, shortened, visible } from '../../src/reports/visible.ts';
import { cpuMs } from './processor-time.ts';

const iso = compileFormat('yyyy-MM-dd HH:mm:ss');
const american = compileFormat('M/d/yyyy h:mm a');
const amount = compileAmount({ locale: 'en', negative: true });
const results = resultsFormat({ delimiter: ',', json: false, header: 'a' });
const reply = (body: string) => ({ kind: 'reply' as const, status: 400, header: () => body, body });
const row = { line: 1, outcome: 'rejected' as const, code: 'X', eventId: '', attempts: 0, at: '' };
const search = searchFor('aaa@aaa.aa');

/** Whatever of the product looks at text of partners, servers and destinations by patterns. What it throws is an answer, too. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseEmail,
  parsePhone: (text) => parsePhone(text, '1'),
  checkKey: (text) => checkKey(text, 'id'),
  isPlaceholder,
  'a time': iso,
  'a time of America': american,
  'an amount': (text) => amount(text, 'USD'),
  looksLikePan,
  cleanText,
  isPlain,
  stripControls,
  found,
  masked,
  parseDuration,
  decimal: (text) => decimal(text, '.'),
  fold,
  isReserved,
  readObject,
  statedChecksum: (text) => statedChecksum(text, 'sha256', 'a.csv'),
  clean,
  impersonal: (text) => impersonal(clean(text)),
  jsonObject,
  classify: (text) => classify(reply(text), 'v6', 0),
  'classify, of an error': (text) =>
    classify(reply(JSON.stringify({ code: text, message: text, unique_id: text })), 'v6', 0),
  retryAfterMs: (text) => retryAfterMs(text, 0),
  maskReason,
  'results line': (text) => results.line({ ...row, reason: text }, text),
  visible,
  html,
  shortened: (text) => shortened(text, 40),
  shown,
  parseKnownHosts,
  'a search for a person': (text) => [search.in(text), search.without(text, '')],
};

/** The longest name that a server may give a file; longer ones are passed over. */
const LONGEST_NAME = 1024;

const OF_NAMES: typeof READERS = {
  eventNameOfFile,
  resultsName: (text) => resultsName(text),
  isCandidateName,
  fittingName,
  markerFor: (text) => markerFor(text, '{stem}.done'),
  markerPattern: (text) => markerPattern('{name}.{stem}.done')(text),
  'a glob': (text) => matchPattern('*-*-*{a,b}*[!x]*.csv')(text),
};

const PIECES = [
  '"\\',
  'column "',
  'a',
  '9',
  ' ',
  '"',
  "'",
  '“',
  '`',
  '\\',
  '.',
  '-',
  '@',
  'a@',
  '@a.',
  ',',
  '1,',
  '1 ',
  '(',
  '[',
  '{',
  '{"a":',
  '/',
  '\t',
  '\r',
  '\n',
  '-9',
  '+',
  '%',
  '<',
  '&',
  '\u202e',
  '\ud800',
  'é',
  'e\u0301',
  '0',
  '.csv',
  '.r2',
  '.gz',
  ':',
  '9.',
  '1/',
  'aA0',
];
const ENDS = ['', 'x!'];

/** Texts that a reader takes long for. */
function slowOnes(read: (text: string) => unknown, lengths: readonly number[]): string[] {
  const slow: string[] = [];
  for (const piece of PIECES) {
    for (const end of ENDS) {
      for (const length of lengths) {
        const text = piece.repeat(Math.ceil(length / piece.length)) + end;
        let ms = cpuMs(() => read(text));
        for (let again = 0; again < 3 && ms > 50; again++)
          ms = Math.min(
            ms,
            cpuMs(() => read(text)),
          );
        if (ms <= 50) continue;
        slow.push(`${JSON.stringify(piece)} x ${length} + ${JSON.stringify(end)}: ${Math.round(ms)} ms`);
        if (slow.length === 3) return slow;
        break;
      }
    }
  }
  return slow;
}

// A tenth first: what grows with the square would take minutes with the whole.
it.each(Object.entries(READERS))(
  'X16: 100,000 characters cost %s less than 50 ms, whatever they are',
  (_, read) => {
    expect(slowOnes(read, [10_000, 100_000])).toEqual([]);
  },
  60_000,
);

it.each(Object.entries(OF_NAMES))(
  'X16: the longest name of a file costs %s less than 50 ms',
  (_, read) => {
    expect(slowOnes(read, [LONGEST_NAME])).toEqual([]);
  },
  60_000,
);
