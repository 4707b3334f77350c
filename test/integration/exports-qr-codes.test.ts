import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import yauzl from 'yauzl';
import { qrSettings } from '../../src/exports/qr-settings.ts';
import type { ExportRow, LeftOut } from '../../src/exports/row.ts';
import { type WrittenQrCodes, writeQrCodes } from '../../src/exports/write-qr-codes.ts';
import { AT, nameless, person } from './support/people.ts';
import { modulesOfPng, modulesOfSvg, readQr } from './support/qr-reader.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'referry-qr-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NEVER = new AbortController().signal;

async function write(
  settings: object,
  rows: Iterable<ExportRow>,
  signal = NEVER,
): Promise<WrittenQrCodes & { told: [string, string][] }> {
  const told: [string, string][] = [];
  const leftOut = (row: ExportRow, why: LeftOut) => told.push([row.code, why.code]);
  const parsed = qrSettings.parse(settings);
  const written = await writeQrCodes({ rows, settings: parsed, folder, name: 'links', at: AT, leftOut, signal });
  expect(written.read).toBe(written.images + told.length);
  return { ...written, told };
}

async function unzipped(path: string): Promise<Map<string, Buffer>> {
  const zip = await yauzl.openPromise(path);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk);
    files.set(entry.fileName, Buffer.concat(chunks));
  }
  return files;
}

describe('QR codes', () => {
  const people = [person(1), person(2, { link: 'http://share.example.com/SOME-LONGER-CODE-12345678901234567890' })];
  const links = ['https://share.example.com/p1', 'https://share.example.com/SOME-LONGER-CODE-12345678901234567890'];

  test('as PNG in a zip hold the link, under the name of its code', async () => {
    const { zips, images } = await write({}, people);
    expect(images).toBe(2);
    const [zip] = zips;
    expect(zips.map(({ name, images: count }) => [name, count])).toEqual([['links.zip', 2]]);
    const bytes = readFileSync(zip?.path ?? '');
    expect(zip).toMatchObject({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
    const files = await unzipped(zip?.path ?? '');
    expect([...files.keys()]).toEqual(['p1.png', 'p2.png']);
    expect([...files.values()].map((png) => readQr(modulesOfPng(png)))).toEqual(links);
    const [png] = files.values();
    expect([png?.readUInt32BE(16), png?.readUInt32BE(20)]).toEqual([400, 400]);
  });

  test('as SVG in a folder hold the link, under a name of your own', async () => {
    const rows = [...people, person(3, { partnerUserId: '../a b' })];
    const done = await write({ image: 'svg', into: 'folder', name: '{partner_user_id}' }, rows);
    expect(done).toMatchObject({ images: 3, zips: [], folder: join(folder, 'links') });
    const names = readdirSync(join(folder, 'links')).sort();
    expect(names).toEqual(['%2E.%2Fa%20b.svg', 'id-000001.svg', 'id-000002.svg']);
    const texts = names.map((name) => readFileSync(join(folder, 'links', name), 'utf8'));
    expect(texts.map((svg) => readQr(modulesOfSvg(svg)))).toEqual(['https://share.example.com/p3', ...links]);
  });

  test('of many links go into several zips', async () => {
    const rows = Array.from({ length: 25 }, (_, i) => person(i));
    const { zips } = await write({ perZip: 10, width: 64 }, rows);
    expect(zips.map(({ name, images }) => [name, images])).toEqual([
      ['links.zip', 10],
      ['links.part2.zip', 10],
      ['links.part3.zip', 5],
    ]);
    const names = (await Promise.all(zips.map(({ path }) => unzipped(path)))).flatMap((files) => [...files.keys()]);
    expect(names).toEqual(rows.map(({ code }) => `${code}.png`));
  });

  test('are the same bytes for the same links, so that a pass may be repeated', async () => {
    const first = await write({ image: 'svg' }, people);
    const again = await write({ image: 'svg' }, people);
    expect(again).toEqual(first);
  });

  test.each(['zip', 'folder'])('say of each row why it has none (%s)', async (into) => {
    const rows = [
      person(1, { link: 'nothing' }),
      person(2, { code: '' }),
      person(3, { code: 'x'.repeat(300) }),
      person(4, { link: `https://share.example.com/${'x'.repeat(2400)}` }),
      nameless(5, { code: 'ann' }),
      person(6, { code: into === 'zip' ? 'ANN' : 'ann' }),
    ];
    const { told, images } = await write({ into, width: 64 }, rows);
    expect(images).toBe(1);
    expect(told.map(([, code]) => code)).toEqual([
      'LINK_INVALID',
      'QR_NAME_MISSING',
      'QR_NAME_TOO_LONG',
      'LINK_TOO_LONG',
      'QR_NAME_TAKEN',
    ]);
  });

  test('replace what a broken pass left, and leave nothing when they break off themselves', async () => {
    await write({ into: 'folder', image: 'svg' }, people);
    writeFileSync(join(folder, 'links', 'p1.svg'), 'half');
    expect(await write({ into: 'folder', image: 'svg' }, people)).toMatchObject({ images: 2, told: [] });
    rmSync(folder, { recursive: true });
    folder = mkdtempSync(join(tmpdir(), 'referry-qr-'));
    for (const into of ['folder', 'zip']) {
      const stop = new AbortController();
      function* stopped(): Generator<ExportRow> {
        for (let i = 0; i < 12; i++) yield person(i);
        stop.abort(new Error('stopped'));
      }
      await expect(write({ into, image: 'svg', perZip: 5 }, stopped(), stop.signal)).rejects.toThrow('stopped');
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of nobody are an empty zip', async () => {
    const { zips } = await write({}, []);
    expect(zips).toHaveLength(1);
    expect((await unzipped(zips[0]?.path ?? '')).size).toBe(0);
  });
});
