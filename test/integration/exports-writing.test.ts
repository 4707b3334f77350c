import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { manifestName, manifestOf, manifestText } from '../../src/exports/manifest.ts';
import { compileExport, EXPORT_FORMATS } from '../../src/exports/registry.ts';
import type { ExportRow } from '../../src/exports/row.ts';
import { keepAtLeast, shrinkVerdict } from '../../src/exports/shrink.ts';
import { exported } from './support/exported.ts';
import { AT, person } from './support/people.ts';

const { 'klaviyo-csv': klaviyo, 'plain-csv': plain, 'braze-csv': braze } = EXPORT_FORMATS;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referry-exports-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function* oneByOne(rows: Iterable<ExportRow>): AsyncGenerator<ExportRow> {
  for (const row of rows) yield row;
}

function* people(count: number): Generator<ExportRow> {
  for (let i = 0; i < count; i++) yield person(i);
}

describe('writing an export', () => {
  test('takes rows as they come, many or few, waiting for them or not, and makes the same bytes of them', async () => {
    const format = compileExport(klaviyo, { maxBytes: 400_000 });
    const rows = [...people(20_000)];
    const now = await exported(format, rows, { folder });
    const later = await exported(format, oneByOne(rows), { folder });
    expect(now.written.files.length).toBeGreaterThan(2);
    expect(later.texts).toEqual(now.texts);
    expect(later.written).toEqual(now.written);
    expect(now.rows.map(([email]) => email)).toEqual(rows.map(({ email }) => email));
  });

  test('any value comes back as it was, on one line', async () => {
    const format = compileExport(plain, { columns: { A: '{a}', B: '{b}', C: '{code}' } });
    const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ a: text, b: text }), { maxLength: 20 }), async (values) => {
        const { rows } = await exported(
          format,
          values.map((fields, i) => person(i, { fields })),
          { folder },
        );
        const flat = (value: string): string =>
          // What JavaScript, a terminal or a spreadsheet takes for a line's end, and what no text has.
          value.replace(/[^\P{Cc}\t\u0080-\u0084\u0086-\u009f]+|[\u2028\u2029]/gu, '\n').replace(/\n+/g, ' ');
        expect(rows).toEqual(values.map(({ a, b }, i) => [flat(a), flat(b), `p${i}`]));
      }),
      { numRuns: 25 },
    );
  });

  test('no cell of many files says it is of another row: parts are cut between rows', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1000, max: 1400 }),
        async (names, maxBytes) => {
          const format = compileExport(klaviyo, { maxBytes, columns: { name: '{name}' } });
          const rows = names.map((name, i) => person(i, { fields: { name } }));
          const { written, rows: read } = await exported(format, rows, { folder });
          expect(read.map(([email]) => email)).toEqual(rows.map(({ email }) => email));
          for (const file of written.files) expect(file.size).toBeLessThanOrEqual(maxBytes);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('a row that is larger than a whole file is left out, and the next one is not', async () => {
    const format = compileExport(klaviyo, { maxBytes: 1000, columns: { name: '{name}' } });
    const name = 'x'.repeat(2000);
    const rows = [0, 1, 2, 3].map((i) => person(i, { fields: i % 2 === 0 ? { name } : {} }));
    const { rows: read, leftOut } = await exported(format, rows, { folder });
    expect(read.map(([email]) => email)).toEqual(['p000001@example.com', 'p000003@example.com']);
    expect(leftOut.map(({ why }) => why.code)).toEqual(['ROW_TOO_LARGE', 'ROW_TOO_LARGE']);
  });

  test('says of each row why it is not in the file', async () => {
    const rows = [
      person(0, { email: '' }),
      person(1, { email: 'nobody' }),
      person(2, { email: 'a b@example.com' }),
      person(3, { email: 'a@example.com\n' }),
      person(4, { link: 'ann1' }),
      person(5),
      person(5),
      person(6),
    ];
    const { written, leftOut, rows: read } = await exported(compileExport(klaviyo, {}), rows, { folder });
    expect(read).toHaveLength(2);
    expect(leftOut.map(({ why }) => why.code)).toEqual([
      'IDENTIFIER_MISSING',
      'IDENTIFIER_INVALID',
      'IDENTIFIER_INVALID',
      'IDENTIFIER_INVALID',
      'LINK_INVALID',
      'PERSON_TWICE',
    ]);
    expect(written.leftOut).toEqual({
      IDENTIFIER_MISSING: 1,
      IDENTIFIER_INVALID: 3,
      LINK_INVALID: 1,
      PERSON_TWICE: 1,
    });
    // Reasons are shown in reports: nothing of the person is in them.
    for (const { row, why } of leftOut)
      for (const value of [row.email, row.link, row.partnerUserId]) if (value) expect(why.reason).not.toContain(value);
  });

  test('a person whose first row is left out is written with the next one', async () => {
    const rows = [person(1, { link: 'broken' }), person(1), person(1, { code: 'later' })];
    const { rows: read, leftOut } = await exported(compileExport(klaviyo, {}), rows, { folder });
    expect(read).toEqual([['p000001@example.com', 'https://share.example.com/p1']]);
    expect(leftOut.map(({ why }) => why.code)).toEqual(['LINK_INVALID', 'PERSON_TWICE']);
  });

  test('rows in no order are an error, since people might be in the file twice; nothing of it stays', async () => {
    const rows = [person(2), person(1)];
    await expect(exported(compileExport(klaviyo, {}), rows, { folder })).rejects.toMatchObject({
      code: 'EXPORT_NOT_SORTED',
      message: expect.stringContaining('row 2'),
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('takes the order of JavaScript and the order of databases', async () => {
    const format = compileExport(braze, {});
    // UTF-16 has the emoji first, UTF-8 the full-width letter.
    const ids = ['\u{1F600}', 'ａ'];
    for (const order of [ids, ids.toReversed()]) {
      const rows = order.map((partnerUserId, i) => person(i, { partnerUserId }));
      expect((await exported(format, rows, { folder })).rows.map(([id]) => id)).toEqual(order);
    }
  });

  test('nothing stays of an export whose rows broke off, or that was stopped', async () => {
    async function* broken(): AsyncGenerator<ExportRow> {
      yield* people(20_000);
      throw new Error('the ledger went away');
    }
    const format = compileExport(klaviyo, { maxBytes: 500_000 });
    await expect(exported(format, broken(), { folder })).rejects.toThrow('the ledger went away');
    expect(readdirSync(folder)).toEqual([]);

    const stop = new AbortController();
    function* stopped(): Generator<ExportRow> {
      yield* people(20_000);
      stop.abort(new Error('stopped'));
    }
    await expect(exported(format, stopped(), { folder, signal: stop.signal })).rejects.toThrow('stopped');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('nothing stays of an export that the disk did not take', () => {
    const script = join(import.meta.dirname, 'support/export-a-lot.ts');
    // Files may have 256 blocks of 1024 bytes; the export has 800 kB.
    const child = spawnSync('bash', ['-c', 'ulimit -f 256; exec "$0" "$@"', process.execPath, script, folder]);
    expect(child.stdout.toString()).toContain('EFBIG');
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a folder that is not there is told of, with its path', async () => {
    await expect(exported(compileExport(klaviyo, {}), [], { folder: join(folder, 'absent') })).rejects.toThrow(
      'absent',
    );
  });

  test('replaces what a broken pass left under the name, and is readable by its owner alone', async () => {
    const format = compileExport(plain, { columns: { Link: '{link}' }, fileName: 'links.csv' });
    writeFileSync(join(folder, 'links.csv'), 'x'.repeat(10_000));
    const { texts, written } = await exported(format, [person(1)], { folder });
    expect(texts).toEqual(['Link\nhttps://share.example.com/p1\n']);
    expect(statSync(written.files[0]?.path ?? '').mode & 0o777).toBe(0o600);
  });

  test('knows changes from a snapshot by the name, where the pattern says so', async () => {
    const format = compileExport(plain, { columns: { Link: '{link}' }, fileName: 'links-{kind}-{yyyy}.csv' });
    expect((await exported(format, [], { folder, kind: 'changes' })).names).toEqual(['links-changes-2026.csv']);
  });
});

describe('the manifest', () => {
  test('says what lies in the files, and nothing of the people', async () => {
    const format = compileExport(klaviyo, { maxBytes: 1000 });
    const { written } = await exported(format, [...people(30), person(30, { link: 'x' })], { folder });
    const manifest = manifestOf({ format: format.format, kind: 'changes', at: AT, since: AT - 86_400_000, written });
    const read: unknown = JSON.parse(manifestText(manifest));
    expect(read).toMatchObject({
      manifest: 'referry-export/1',
      format: 'klaviyo-csv',
      kind: 'changes',
      made_at: '2026-11-21T03:04:05.000Z',
      since: '2026-11-20T03:04:05.000Z',
      columns: ['Email Address', 'share_link'],
      rows: 30,
      bytes: written.bytes,
      left_out: { LINK_INVALID: 1 },
    });
    expect(manifest.files).toHaveLength(written.files.length);
    expect(manifest.files.reduce((sum, file) => sum + file.rows, 0)).toBe(30);
    expect(manifestText(manifest)).not.toContain('@example.com');
    expect(manifestText(manifest)).not.toContain(folder);
    expect(manifestName('a.csv')).toBe('a.csv.manifest.json');
  });

  test('has the names that the files got in the end', async () => {
    const { written } = await exported(compileExport(klaviyo, {}), [person(1)], { folder });
    const facts = { format: 'klaviyo-csv', kind: 'snapshot' as const, at: AT, written };
    const { files } = manifestOf(facts, ['links.r2.csv']);
    const [file] = written.files;
    expect(files).toEqual([{ name: 'links.r2.csv', rows: 1, bytes: file?.size, sha256: file?.sha256 }]);
    expect(manifestOf(facts)).not.toHaveProperty('since');
    expect(readFileSync(file?.path ?? '', 'utf8')).toContain('share_link');
  });
});

describe('a snapshot that has shrunk', () => {
  test.each([
    [100, 80, 0.8, false],
    [100, 79, 0.8, true],
    [100, 7, 0.07, false],
    [10, 9, 0.9, false],
    [3, 2, 0.8, true],
    [1, 0, 0.8, true],
    [0, 0, 0.8, false],
    [undefined, 0, 0.8, false],
    [undefined, 5, 1, false],
    [1_000_000, 0, 0, false],
    [1_000_000, 999_999, 1, true],
    [1_000_000, 1_000_000, 1, false],
  ])('from %s to %i rows, of which a share of %d must stay: held is %s', (last, now, share, held) => {
    expect(shrinkVerdict({ last, now }, share).held).toBe(held);
  });

  test('says both numbers, and what to do', () => {
    expect(shrinkVerdict({ last: 120_000, now: 61_234 }, 0.8)).toEqual({
      held: true,
      code: 'EXPORT_SHRUNK',
      reason:
        'the snapshot has 61,234 rows, the last one had 120,000: 51 % of it, and at least 96,000 rows are expected',
      hint: 'Look whether the source is whole. If the rows are rightly gone, release the export.',
    });
    expect(keepAtLeast.parse(undefined)).toBe(0.8);
  });
});
