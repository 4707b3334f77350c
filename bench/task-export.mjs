// @ts-check
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { format as fastCsv } from '@fast-csv/format';

/**
 * Writes share links as a file for import and prints what it took, as one JSON line: `task-export.mjs <ours|bare> <format> <rows> <folder>`.
 * Ours is the built package, as it is published; bare is a loop that gives the same cells to fast-csv, into a file.
 */
const [how = '', name = '', count = '', folder = ''] = process.argv.slice(2);

/** @typedef {import('../src/exports/row.ts').ExportRow} ExportRow */

/** @returns {Generator<ExportRow & { email: string, partnerUserId: string }>} */
function* rows() {
  for (let i = 0; i < Number(count); i++) {
    const id = String(i).padStart(8, '0');
    yield {
      email: `person.${id}@mail.example.com`,
      partnerUserId: `member-${id}`,
      link: `https://share.example-brand.com/member${id}`,
      code: `member${id}`,
      fields: { company: 'Example, Inc.', extole_app_type: 'referral', first_name: `First${i % 1000}` },
    };
  }
}

/** Settings, and the same cells by hand. @type {Record<string, { settings: object, header: string[], cells: (row: ExportRow & { email: string, partnerUserId: string }) => string[] }>} */
const FORMATS = {
  'hubspot-csv': {
    settings: {},
    header: ['email', 'share_link', 'share_code', 'company', 'extole_app_type'],
    cells: (row) => [row.email, row.link, row.code, row.fields.company ?? '', row.fields.extole_app_type ?? ''],
  },
  'sfmc-csv': {
    settings: {},
    header: ['EmailAddress', 'extole_share_link'],
    cells: (row) => [row.email, row.link],
  },
  'klaviyo-csv': {
    settings: {},
    header: ['Email Address', 'share_link'],
    cells: (row) => [row.email, row.link],
  },
  'iterable-csv': {
    settings: {},
    header: ['email', 'share_link'],
    cells: (row) => [row.email, row.link],
  },
  'braze-csv': {
    settings: {},
    header: ['external_id', 'share_link'],
    cells: (row) => [row.partnerUserId, row.link],
  },
  'plain-csv': {
    settings: { columns: { mail: '{email}', greeting: 'Hi {first_name}', link: '{link}' } },
    header: ['mail', 'greeting', 'link'],
    cells: (row) => [row.email, `Hi ${row.fields.first_name}`, row.link],
  },
};

const chosen = FORMATS[name];
if (chosen === undefined) throw new Error(`there is no format ${name}`);

const figures = how === 'bare' ? await bare(chosen) : await ours(chosen);
process.stdout.write(`${JSON.stringify({ ...figures, rss: process.resourceUsage().maxRSS * 1024 })}\n`);

/** @param {(typeof FORMATS)[string]} format */
async function bare({ header, cells }) {
  const started = performance.now();
  const csv = fastCsv({ headers: header, includeEndRowDelimiter: true });
  const file = createWriteStream(join(folder, `bare-${name}.csv`));
  csv.pipe(file);
  for (const row of rows()) if (!csv.write(cells(row))) await once(csv, 'drain');
  csv.end();
  await finished(file);
  return { ms: performance.now() - started, bytes: file.bytesWritten, files: 1 };
}

/** @param {(typeof FORMATS)[string]} format */
async function ours({ settings, header }) {
  /** @param {string} path */
  const built = (path) => new URL(`../dist/src/exports/${path}.js`, import.meta.url).href;
  /** @type {typeof import('../src/exports/registry.ts')} */
  const { EXPORT_FORMATS } = await import(built('registry'));
  /** @type {typeof import('../src/exports/write.ts')} */
  const { writeExport } = await import(built('write'));
  /** @type {Record<string, import('../src/exports/format.ts').ExportFormat>} */
  const formats = EXPORT_FORMATS;
  const format = formats[name];
  if (format === undefined) throw new Error(`there is no format ${name}`);
  const compiled = format.compile(format.settings.parse(settings));
  const started = performance.now();
  const written = await writeExport({
    rows: rows(),
    format: compiled,
    folder,
    at: 0,
    kind: 'snapshot',
    signal: new AbortController().signal,
  });
  const ms = performance.now() - started;
  // Each file has a header; the bare loop writes one.
  const headers = (written.files.length - 1) * (header.join(',').length + 1);
  return { ms, bytes: written.bytes - headers, files: written.files.length };
}
