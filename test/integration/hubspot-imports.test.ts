import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { ImportError, ImportFile } from '../../src/destinations/hubspot/imports.ts';
import { closeAll, failOn, hubspot, links, signal, standIn } from './hubspot-setup.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'referry-hubspot-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeAll);

const quick = { import: { poll: '10ms', wait: '3s' } };

async function fileOf(lines: string[], name = 'share links 2026-11-21'): Promise<ImportFile> {
  const path = join(folder, 'links.csv');
  await writeFile(path, ['email,share_link', ...lines, ''].join('\r\n'));
  return {
    name,
    fileName: 'links.csv',
    path,
    bytes: (await stat(path)).size,
    columns: [
      { column: 'email', property: 'email', identifies: true },
      { column: 'share_link', property: 'share_link' },
    ],
  };
}

async function errorsOf(errors: AsyncGenerator<ImportError>): Promise<ImportError[]> {
  const list: ImportError[] = [];
  for await (const error of errors) list.push(error);
  return list;
}

test('a file is handed in, followed to its end, and its bad lines are told by number', async () => {
  const server = await standIn({ importLooks: 3 });
  server.contacts.add({ email: 'p1@example.com' });
  server.imports.behaviour.errorPage = 2;
  const bad = [4, 5, 6, 7, 8].map((line) => `"bad, ${line}@x",https://share.example.com/${line}`);
  const file = await fileOf(['p1@example.com,https://a', 'ü@example.com,"https://b?x=1,2"', ...bad]);
  const { imports } = hubspot(server, quick);
  const id = await imports.start(file, signal);
  expect(await imports.follow(id, signal)).toEqual({
    id,
    state: 'DONE',
    counters: { TOTAL_ROWS: 7, CREATED_OBJECTS: 1, UPDATED_OBJECTS: 1, ERRORS: 5 },
  });
  expect(links(server)).toEqual({ 'p1@example.com': 'https://a', 'ü@example.com': 'https://b?x=1,2' });
  const errors = await errorsOf(imports.errors(id, signal));
  expect(errors.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8]);
  expect(errors[0]).toMatchObject({ code: 'INVALID_EMAIL' });
  expect(JSON.stringify(errors)).not.toContain('@x');
  expect(server.imports.all[0]?.request).toEqual({
    name: 'share links 2026-11-21',
    importOperations: { '0-1': 'UPSERT' },
    dateFormat: 'YEAR_MONTH_DAY',
    files: [
      {
        fileName: 'links.csv',
        fileFormat: 'CSV',
        fileImportPage: {
          hasHeader: true,
          columnMappings: [
            {
              columnObjectTypeId: '0-1',
              columnName: 'email',
              propertyName: 'email',
              columnType: 'HUBSPOT_ALTERNATE_ID',
            },
            { columnObjectTypeId: '0-1', columnName: 'share_link', propertyName: 'share_link' },
          ],
        },
      },
    ],
  });
});

test.each(['resetpost', '500post', 'html-post', 'resetpre', '503pre'] as const)(
  'after %s where a file is handed in, there is one import of it',
  async (fault) => {
    const server = await standIn();
    failOn(server, '/imports', fault);
    const { imports } = hubspot(server, quick);
    const id = await imports.start(await fileOf(['p1@example.com,https://a']), signal);
    expect(server.imports.all.map((one) => one.id)).toEqual([id]);
    expect(await imports.start(await fileOf(['p1@example.com,https://a']), signal)).toBe(id);
    expect(server.imports.all).toHaveLength(1);
  },
);

test('looks that fail are made again', async () => {
  const server = await standIn();
  const { imports } = hubspot(server, quick);
  const id = await imports.start(await fileOf(['p1@example.com,https://a']), signal);
  server.failLooks('503pre', 'resetpre', 'cut-body');
  expect(await imports.follow(id, signal)).toMatchObject({ state: 'DONE' });
});

test('an import that failed is told as such, and one that never ends is told as stuck', async () => {
  const server = await standIn();
  server.imports.behaviour.end = 'FAILED';
  const { imports } = hubspot(server, quick);
  const id = await imports.start(await fileOf(['p1@example.com,https://a']), signal);
  expect(await imports.follow(id, signal)).toMatchObject({ state: 'FAILED' });
  server.imports.behaviour.end = 'DEFERRED';
  const slow = hubspot(server, { import: { poll: '10ms', wait: '50ms' } });
  await expect(slow.imports.follow(id, signal)).rejects.toMatchObject({ code: 'STILL_WORKING', retryable: true });
});

test('a column that is no contact property is told at once', async () => {
  const server = await standIn();
  const file = await fileOf(['p1@example.com,https://a']);
  const columns = [...file.columns.slice(0, 1), { column: 'share_link', property: 'shre_link' }];
  await expect(hubspot(server, quick).imports.start({ ...file, columns }, signal)).rejects.toMatchObject({
    message: expect.stringContaining('shre_link'),
    retryable: false,
  });
  expect(server.imports.all).toEqual([]);
});

test('a token without the right stops it', async () => {
  const server = await standIn();
  failOn(server, '/imports', '403');
  const file = await fileOf(['p1@example.com,https://a']);
  await expect(hubspot(server, quick).imports.start(file, signal)).rejects.toMatchObject({
    code: 'FORBIDDEN',
    hint: expect.stringContaining('crm.import'),
  });
});
