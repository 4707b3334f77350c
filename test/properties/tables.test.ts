import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { createMessage, encrypt, generateKey } from 'openpgp';
import { afterAll, expect, it } from 'vitest';
import yazl from 'yazl';
import { createLog, realIo } from '../../src/io.ts';
import { toUtf8 } from '../../src/parsing/charset.ts';
import { doubleEscapedQuotes } from '../../src/parsing/dialect.ts';
import { quoteExcelText, restoreExcelText } from '../../src/parsing/excel-text.ts';
import { openRows } from '../../src/parsing/open.ts';
import type { PgpKeys } from '../../src/parsing/pgp-keys.ts';
import { readRecords } from '../../src/parsing/records.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { openText } from '../../src/parsing/text.ts';
import { collect, inChunks } from '../fuzz/support.ts';
import { runs, timeFor } from './support/runs.ts';
import { type Style, type Table, table, type Written, write } from './support/table.ts';

const folder = mkdtempSync(join(tmpdir(), 'referry-tables-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

const ENDINGS: Readonly<Record<string, string>> = { ',': 'csv', '|': 'psv', '\t': 'tsv' };

function settingsOf({ dialect, delimiter, charset }: Style) {
  return fileSettings.parse({
    dialect,
    ...(ENDINGS[delimiter] === undefined ? { delimiter } : {}),
    ...(charset === 'windows-1252' ? { charset } : {}),
  });
}

/** Reads a packed table through its staged file, and compares every row, its line and its place. */
async function comesBack(
  given: Table,
  written: Written,
  packed: Buffer,
  ending: string,
  keys?: PgpKeys,
): Promise<void> {
  const { style, columns } = given;
  // A name of its own each time: a property that ran out of time may still be reading.
  const path = join(folder, `${files++}`);
  writeFileSync(path, packed);
  const staged = { path, name: `partner.${ENDINGS[style.delimiter] ?? 'csv'}${ending}`, ...(keys ? { keys } : {}) };
  const settings = settingsOf(style);
  const reader = await openRows(staged, settings, columns);
  const rows = (await collect(reader.batches())).flat();
  const text = Buffer.concat(await collect(openText(staged, settings)));
  expect(text.toString()).toBe(written.text);
  expect(reader.columns).toEqual(columns);
  expect(rows.map(({ line, values, fault }) => [line, fault ?? null, ...values])).toEqual(
    written.rows.map(({ line, values }) => [line, null, ...values]),
  );
  expect(rows.map(({ offset, length }) => text.toString('utf8', offset, offset + length))).toEqual(
    written.rows.map(({ raw }) => raw),
  );
  expect(reader.summary().rows).toBe(given.rows.length);
  rmSync(path);
}

it(
  'any table comes back as the same rows with the same line numbers, in every dialect, charset and style of lines',
  async () => {
    await fc.assert(
      fc.asyncProperty(table, async (given) => {
        const written = write(given);
        await comesBack(given, written, written.bytes, '');
      }),
      runs(400),
    );
  },
  timeFor(30_000),
);

it(
  'a packed table comes back: gzip of one member, of many cut anywhere, padded with zeros, and zip',
  async () => {
    const members = fc.array(fc.nat(1000), { maxLength: 4 });
    const packing = fc.constantFrom('gzip' as const, 'members' as const, 'zip' as const, 'stored zip' as const);
    await fc.assert(
      fc.asyncProperty(table, packing, members, fc.nat(600), async (given, how, cuts, padding) => {
        const written = write(given);
        const { bytes } = written;
        if (how === 'zip' || how === 'stored zip')
          return comesBack(given, written, await zipped(bytes, how === 'zip'), '.zip');
        const at = how === 'gzip' ? [] : cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b);
        const parts = [0, ...at].map((from, i) => gzipSync(bytes.subarray(from, at[i] ?? bytes.length)));
        await comesBack(given, written, Buffer.concat([...parts, Buffer.alloc(padding)]), '.gz');
      }),
      runs(300),
    );
  },
  timeFor(30_000),
);

it(
  'an encrypted table comes back, plain or packed within',
  async () => {
    const { privateKey, publicKey } = await generateKey({ type: 'ecc', userIDs: [{ name: 'x' }], format: 'object' });
    const keys: PgpKeys = {
      decryption: [privateKey],
      signers: [publicKey],
      requireSignature: true,
      signedBefore: Number.MAX_SAFE_INTEGER / 2 ** 10,
      sleep: realIo(createLog('silent')).sleep,
    };
    await fc.assert(
      fc.asyncProperty(table, fc.boolean(), fc.constantFrom(0, 1, 2), async (given, armored, compression) => {
        const written = write(given);
        const inner = compression === 2 ? gzipSync(written.bytes) : written.bytes;
        const message = await createMessage({ binary: new Uint8Array(inner) });
        const options = {
          message,
          encryptionKeys: publicKey,
          signingKeys: privateKey,
          config: { preferredCompressionAlgorithm: compression % 2 },
        };
        const sealed = armored
          ? await encrypt({ ...options, format: 'armored' })
          : await encrypt({ ...options, format: 'binary' });
        await comesBack(given, written, Buffer.from(sealed), '.pgp', keys);
      }),
      runs(30),
    );
  },
  timeFor(30_000),
);

it(
  'chunks of any size, cut within characters, quotes and line ends, give the same records',
  async () => {
    const sizes = fc
      .array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 })
      .filter((list) => list.some((size) => size > 0));
    await fc.assert(
      fc.asyncProperty(table, sizes, async (given, cut) => {
        const { style } = given;
        const written = write(given);
        const mark = style.charset === 'utf-8-bom' ? 3 : style.charset.startsWith('utf-16') ? 2 : 0;
        const charset = style.charset === 'utf-8-bom' ? 'utf-8' : style.charset;
        const text = toUtf8(inChunks(written.bytes.subarray(mark), cut), charset);
        const syntax = { delimiter: style.delimiter, leadingSpaces: style.dialect === 'extole', maxRecord: 1 << 20 };
        const doubled =
          style.dialect === 'extole'
            ? doubleEscapedQuotes(text, style.delimiter)
            : style.dialect === 'excel'
              ? quoteExcelText(text, style.delimiter)
              : text;
        const records = (await collect(readRecords(doubled, syntax))).flat();
        if (style.dialect === 'excel') restoreExcelText(records);
        const tail = style.trailingDelimiter && given.rows.length > 0 ? [''] : [];
        expect(records.slice(1).map(({ line, values }) => [line, ...values])).toEqual(
          written.rows.map(({ line, values }) => [line, ...values, ...tail]),
        );
      }),
      runs(500),
    );
  },
  timeFor(30_000),
);

async function zipped(contents: Buffer, compress: boolean): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  zip.addBuffer(contents, 'inner.csv', { compress });
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
