import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { renderFields, withFields } from '../../tools/docs/job-file.ts';
import { PROJECT } from './support/cli.ts';

/** Words in capitals that stand in quotes in the sources and are no code of an outcome, refusal, error or notice. */
const NO_CODES = [
  /^(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC|MON|TUE|WED|THU|FRI|SAT|SUN|UTC|USD|HH|MM|MMM|NFC|TRL)$/,
  /^(?:GET|POST|PUT|PATCH|DELETE|SIG[A-Z]+|ROLLBACK|SQLITE_[A-Z]+|FAIL|NO|NAME|DROPPED|DENY|OK)$/,
  // Words of HubSpot, which it says or is told.
  /^(?:ASCENDING|COMPLETE|CSV|DAILY|GT|HUBSPOT_ALTERNATE_ID|INVALID_AUTHENTICATION|MANUAL|NOT_HAS_PROPERTY|OBJECT_NOT_FOUND|PROPERTY_DOESNT_EXIST|RATE_LIMITS?|SNAPSHOT|TEN_SECONDLY_ROLLING|VALIDATION_ERROR)$/,
  // What a batch job or an audience operation of Extole is called that reads a file, and how it ends.
  /^(?:ADD|BUILDING|CANCELED|DONE|FAILED|FILE_ASSET|READY|REMOVE|REPLACE)$/,
  // Node.js system errors, and problems that the YAML reader names.
  /^(?:E(?:ACCES|ADDRINUSE|AI_AGAIN|CONN[A-Z]+|DQUOT|EXIST|INVAL|IO|ISDIR|MFILE|MLINK|NFILE|NODEV|NOENT|NOSPC|NOSYS|NOT[A-Z]+|OPNOTSUPP|PERM|PIPE|ROFS|TIMEDOUT|XDEV))$/,
  /^(?:BAD_INDENT|TAB_AS_INDENT)$/,
  // Why the HTTP client gave up; it stands in parentheses in the reason of NOT_SENT and NO_ANSWER.
  /^(?:CLOSED|DEADLINE|ERROR)$/,
];

async function codesInSources(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const files = await readdir(join(PROJECT, 'src'), { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.startsWith('sandbox/'))) {
    const text = await readFile(join(PROJECT, 'src', file), 'utf8');
    for (const [, code = ''] of text.matchAll(/['"]([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)*)['"]/g))
      if (!NO_CODES.some((pattern) => pattern.test(code))) found.set(code, file);
  }
  return found;
}

describe('the reference pages', () => {
  test('docs/results-and-report.md explains every code that the sources can give', async () => {
    const page = await readFile(join(PROJECT, 'docs/results-and-report.md'), 'utf8');
    const codes = await codesInSources();
    expect(codes.size).toBeGreaterThan(80);
    const missing = [...codes]
      .filter(([code]) => !page.includes(`\`${code}\``))
      .map(([code, file]) => `${code} (${file})`);
    expect(missing).toEqual([]);
  });

  test('docs/results-and-report.md explains no code that is not in the sources', async () => {
    const page = await readFile(join(PROJECT, 'docs/results-and-report.md'), 'utf8');
    const tables = [...page.matchAll(/^\| (`[A-Z][^|]*) \|/gm)].map(([, cell = '']) => cell);
    const explained = tables.flatMap((cell) => [...cell.matchAll(/`([A-Z0-9_]+)`/g)].map(([, code = '']) => code));
    const codes = await codesInSources();
    expect(explained.length).toBeGreaterThan(80);
    expect(explained.filter((code) => !codes.has(code) && !/^HTTP_4\d\d$/.test(code))).toEqual([]);
  });

  test('docs/job-file.md lists the fields as the schema has them (npx node tools/docs/job-file.ts writes them)', async () => {
    const page = await readFile(join(PROJECT, 'docs/job-file.md'), 'utf8');
    expect(withFields(page, renderFields())).toBe(page);
    for (const field of ['source.stable.for', 'event.data.NAME.currency.allowed', 'destination.extole.verify.settle'])
      expect(page).toContain(`| \`${field}\` |`);
  });
});
