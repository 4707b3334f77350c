import { afterEach, describe, expect, test } from 'vitest';
import { BOUNDARY, call, FILE, fileAndServer, form, TOKEN, upload } from './extole-batches-setup.ts';
import { closeAll, standIn } from './extole-setup.ts';

afterEach(closeAll);

describe('files', () => {
  test('an upload makes a file that can be listed, read in parts, expired and deleted', async () => {
    const { server, source } = await fileAndServer({}, { metadata: { tags: ['referry'] } });
    const id = Object.values(source)[1];
    const shown = {
      id,
      name: 'events_1.csv',
      status: 'AVAILABLE',
      review_status: 'APPROVED',
      format: 'CSV',
      tags: ['referry'],
      size: FILE.length,
    };
    expect((await call(server, `/v6/files/${id}`)).json).toMatchObject(shown);
    expect((await call(server, '/v6/files?name=events_1.csv&statuses=AVAILABLE&tags=referry')).json).toMatchObject([
      shown,
    ]);
    expect((await call(server, '/v6/files?name=other')).json).toEqual([]);
    expect((await call(server, `/v6/files/${id}/download`)).text).toBe(FILE);
    expect((await call(server, `/v6/files/${id}/download?limit=1&offset=1`)).text).toBe(
      'event_name,email,partner_conversion_id\naccount_opened,nobody,A-2\n',
    );
    expect((await call(server, `/v6/files/${id}/download?limit=1001`)).json.code).toBe('max_fetch_size_1000');
    expect((await call(server, `/v6/files/${id}/expire`, { method: 'POST' })).json.status).toBe('EXPIRED');
    expect((await call(server, `/v6/files/${id}/download`)).json.code).toBe('file_asset_expired');
    expect((await upload(server)).json.code).toBe('file_asset_duplicated_name');
    expect((await call(server, `/v6/files/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await call(server, `/v6/files/${id}`)).json.code).toBe('file_asset_not_found');
    expect((await upload(server)).status).toBe(200);
  });

  test('the log has the parts of the form, and no contents', async () => {
    const { server } = await fileAndServer({}, { metadata: { name: 'other.csv' } });
    expect(server.received).toMatchObject([
      {
        path: '/v6/files',
        accepted: true,
        body: {
          form: [
            { name: 'fileAssetMetadata', value: { name: 'other.csv' } },
            { name: 'fileInputStreamRequest', filename: 'events_1.csv', bytes: FILE.length },
          ],
        },
      },
    ]);
    expect(JSON.stringify(server.received)).not.toContain('ann@example.com');
  });

  test.each([
    ['another name of the metadata part', { metadataName: 'asset' }, 400, 'binding_error'],
    ['another name of the file part', { fileName: 'file' }, 400, 'binding_error'],
    ['metadata that are no JSON by their type', { metadataType: 'text/plain' }, 415, 'unsupported_media_type'],
    ['broken metadata', { metadata: '{' }, 400, 'invalid_json'],
    ['a field that is not known', { metadata: { label: 'x' } }, 400, 'binding_error'],
    ['a format that is not known', { metadata: { format: 'csv' } }, 400, 'binding_error'],
    ['a name that is too long', { metadata: { name: `${'n'.repeat(252)}.csv` } }, 400, 'file_asset_invalid_name'],
    ['a name with a slash', { metadata: { name: 'a/b.csv' } }, 400, 'file_asset_invalid_name'],
    ['an empty tag', { metadata: { tags: [''] } }, 400, 'file_asset_invalid_tags'],
    ['a tag that is too long', { metadata: { tags: ['t'.repeat(256)] } }, 400, 'file_asset_invalid_tags'],
    ['an empty file', { file: '' }, 400, 'file_asset_file_processing_error'],
    ['a file of no known format', { filename: 'events.txt' }, 400, 'file_asset_file_processing_error'],
    ['an encrypted file', { file: '-----BEGIN PGP MESSAGE-----\n' }, 400, 'missing_extole_public_key'],
  ] as const)('%s is refused', async (_what, parts, status, code) => {
    const server = await standIn({ tokens: [TOKEN] });
    expect(await upload(server, parts)).toMatchObject({ status, json: { code, http_status_code: expect.any(Number) } });
    expect((await call(server, '/v6/files')).json).toEqual([]);
  });

  test.each([
    ['no form at all', 'application/json', Buffer.from('{}'), 'unsupported_media_type'],
    [
      'no file',
      `multipart/form-data; boundary=${BOUNDARY}`,
      Buffer.from(`--${BOUNDARY}--\r\n`),
      'file_asset_input_file_missing',
    ],
    ['a form that is cut', `multipart/form-data; boundary=${BOUNDARY}`, form().subarray(0, -12), 'binding_error'],
    ['nothing', `multipart/form-data; boundary=${BOUNDARY}`, Buffer.alloc(0), 'missing_request_body'],
  ])('%s is refused', async (_what, type, body, code) => {
    const server = await standIn({ tokens: [TOKEN] });
    expect((await call(server, '/v6/files', { method: 'POST', type, body })).json.code).toBe(code);
  });

  test('the names of the parts are a setting', async () => {
    const server = await standIn({ tokens: [TOKEN], files: { parts: { metadata: 'asset', file: 'file' } } });
    expect((await upload(server, { metadataName: 'asset', fileName: 'file' })).status).toBe(200);
  });
});
