import { afterEach, describe, expect, test } from 'vitest';
import type { BatchState } from '../../src/sandbox/extole/batch-record.ts';
import {
  batchOf,
  COLUMNS,
  call,
  fileAndServer,
  jsonOf,
  make,
  TOKEN,
  taken,
  upload,
  watch,
} from './extole-batches-setup.ts';
import { closeAll, standIn } from './extole-setup.ts';

afterEach(closeAll);

describe('batches', () => {
  test('rows become events, and the counts are told at the end only', async () => {
    const { server, source } = await fileAndServer();
    const id = await batchOf(server, source, {
      name: 'events_1',
      tags: ['t'],
      event_data: { container: 'production' },
    });
    const seen = await watch(server, id);
    expect(seen.map(({ status }) => status)).toEqual(['PENDING', 'QUEUED', 'IN_PROGRESS', 'DISPATCHING', 'DONE']);
    expect(seen.map(({ success_rows, failed_rows }) => [success_rows, failed_rows])).toEqual([
      [null, null],
      [null, null],
      [null, null],
      [1, 0],
      [2, 1],
    ]);
    expect(seen.at(-1)).toMatchObject({
      id,
      name: 'events_1',
      tags: ['t'],
      error_code: null,
      completed_date: expect.any(String),
    });
    expect(taken(server)).toMatchObject([
      {
        path: `/v6/batches/${id}#1`,
        accepted: true,
        body: { event_name: 'account_opened', data: { email: 'ann@example.com', container: 'production' } },
      },
      { path: `/v6/batches/${id}#3`, accepted: true },
    ]);
    expect((await call(server, '/v6/batches?name=EVENTS&tags=t&status=DONE')).json).toMatchObject([{ id }]);
    expect((await call(server, '/v6/batches?status=FAILED')).json).toEqual([]);
  });

  test('a batch that is made twice takes every row twice', async () => {
    const { server, source } = await fileAndServer();
    await batchOf(server, source);
    const second = await batchOf(server, source);
    expect((await watch(server, second)).at(-1)).toMatchObject({ status: 'DONE', success_rows: 2 });
    expect(taken(server).map(({ duplicate }) => duplicate)).toEqual([false, false, true, true]);
  });

  test('without event_columns no row has an e-mail, unless the account sends all columns', async () => {
    const { server, source } = await fileAndServer();
    const none = await make(server, { data_source: source, event_name: 'x' });
    expect((await watch(server, String(none.json.id))).at(-1)).toMatchObject({ success_rows: 0, failed_rows: 3 });
    server.batches.withoutEventColumns = 'all';
    const all = await make(server, { data_source: source });
    expect((await watch(server, String(all.json.id))).at(-1)).toMatchObject({ success_rows: 2, failed_rows: 1 });
  });

  test('the name of the events is that of the batch, else of the row, else the default', async () => {
    const { server, source } = await fileAndServer({}, { file: 'event_name,email\nown,ann@example.com\n' });
    const columns = ['event_name', 'email'];
    await make(server, {
      data_source: source,
      event_columns: columns,
      event_name: 'forced',
      default_event_name: 'usual',
    });
    await make(server, { data_source: source, event_columns: columns, default_event_name: 'usual' });
    await make(server, { data_source: source, event_columns: ['email'], default_event_name: 'usual' });
    await make(server, { data_source: source, event_columns: ['email'] });
    expect(taken(server).map(({ body }) => body)).toMatchObject([
      { event_name: 'forced' },
      { event_name: 'own' },
      { event_name: 'usual' },
    ]);
  });

  test('rows that fail the rules for columns are failed rows', async () => {
    const { server, source } = await fileAndServer({}, { file: 'email,store\nann@example.com,1\nben@example.com,\n' });
    const rule = { type: 'FULL_NAME_MATCH', name: 'store', prefix: '', validation_policy: 'REQUIRED_VALUE' };
    const body = { data_source: source, event_name: 'x', event_columns: ['email'], columns: [rule] };
    const { json } = await make(server, body);
    expect((await watch(server, String(json.id))).at(-1)).toMatchObject({ success_rows: 1, failed_rows: 1 });
  });

  test.each([
    ['no data source', { data_source: undefined }, 'batch_job_data_source_empty'],
    ['a data source of another type', { data_source: { type: 'S3', key: 'x' } }, 'binding_error'],
    ['a data source without its id', { data_source: { type: 'FILE_ASSET' } }, 'binding_error'],
    ['a file that is not there', { data_source: { type: 'FILE_ASSET', file_asset_id: '1' } }, 'file_asset_not_found'],
    ['a field that is not known', { eventName: 'x' }, 'binding_error'],
    ['an empty name', { name: ' ' }, 'batch_job_name_invalid'],
    ['an event name that is too long', { event_name: 'e'.repeat(256) }, 'batch_job_event_name_invalid'],
    ['an empty tag', { tags: [''] }, 'batch_job_tag_invalid'],
    ['a column that the file lacks', { event_columns: ['email', 'phone'] }, 'invalid_parameter'],
    ['a scope that is not known', { scopes: ['ALL'] }, 'binding_error'],
    [
      'a rule for a column without a prefix',
      { columns: [{ type: 'FULL_NAME_MATCH', name: 'email', validation_policy: 'OPTIONAL' }] },
      'binding_error',
    ],
    ['data that are no text', { event_data: { n: 1 } }, 'binding_error'],
  ])('%s is refused, and takes no row', async (_what, change, code) => {
    const { server, source } = await fileAndServer();
    expect(await make(server, { data_source: source, ...change })).toMatchObject({ status: 400, json: { code } });
    expect((await call(server, '/v6/batches')).json).toEqual([]);
    expect(taken(server)).toEqual([]);
  });

  test.each<[BatchState, number, number]>([
    ['FAILED', 0, 0],
    ['FAILED', 1, 1],
    ['CANCELED', 3, 2],
    ['EXPIRED', 0, 0],
  ])('%s after %i rows', async (end, rows, accepted) => {
    const walk: BatchState[] = ['PENDING', 'PENDING_RETRY', 'IN_PROGRESS', end];
    const { server, source } = await fileAndServer({ batches: { walk, takenBeforeEnd: rows } });
    const last = (await watch(server, await batchOf(server, source))).at(-1);
    expect(last).toMatchObject({
      status: end,
      success_rows: accepted,
      error_code: end === 'FAILED' ? 'SOFTWARE_ERROR' : null,
    });
    expect(taken(server)).toHaveLength(accepted);
  });

  test('a batch may be stuck, locked, or tell counts that are wrong', async () => {
    const { server, source } = await fileAndServer({ batches: { walk: ['PENDING', 'IN_PROGRESS'] } });
    expect((await watch(server, await batchOf(server, source))).at(-1)).toMatchObject({ status: 'IN_PROGRESS' });
    Object.assign(server.batches, { walk: ['DONE'], lockedLooks: 2 });
    server.batches.counts = ({ success }) => ({ success: success - 1, failed: 0 });
    const id = await batchOf(server, source);
    const looks = [];
    for (let i = 0; i < 3; i += 1) looks.push(await call(server, `/v6/batches/${id}`));
    expect(looks.map(({ status, json }) => [status, json.code ?? json.status])).toEqual([
      [423, 'batch_job_locked'],
      [423, 'batch_job_locked'],
      [200, 'DONE'],
    ]);
    expect(looks.at(-1)?.json).toMatchObject({ success_rows: 1, failed_rows: 0 });
  });

  test('a file that cannot be read, was not approved, or was read before makes the batch fail', async () => {
    const { server, source } = await fileAndServer(
      { batches: { refuseSameFile: true } },
      { file: Buffer.from('email,email\n') },
    );
    const broken = (await watch(server, await batchOf(server, source))).at(-1);
    expect(broken).toMatchObject({
      status: 'FAILED',
      error_code: 'INPUT_FILE_ERROR',
      error_message: 'Duplicate header: email',
    });
    const again = (await watch(server, await batchOf(server, source))).at(-1);
    expect(again).toMatchObject({ status: 'FAILED', error_code: 'DUPLICATED_FILE' });
    const other = await fileAndServer({ files: { review: 'PENDING_REVIEW' } });
    const last = (await watch(other.server, await batchOf(other.server, other.source))).at(-1);
    expect(last).toMatchObject({ status: 'FAILED', error_code: 'FILE_NOT_APPROVED' });
  });

  test('only an open batch is canceled, only one that ended is expired or deleted', async () => {
    const { server, source } = await fileAndServer();
    const id = await batchOf(server, source);
    const post = (action: string) => call(server, `/v6/batches/${id}/${action}`, { method: 'POST' });
    expect((await post('expire')).json.code).toBe('batch_job_invalid_state_transition');
    expect((await call(server, `/v6/batches/${id}`, { method: 'DELETE' })).json.code).toBe(
      'batch_job_delete_not_allowed',
    );
    expect((await post('cancel')).json.status).toBe('CANCELED');
    expect((await post('cancel')).json.code).toBe('batch_job_invalid_state_transition');
    expect((await post('expire')).json.status).toBe('EXPIRED');
    expect((await call(server, `/v6/batches/${id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await call(server, `/v6/batches/${id}`)).status).toBe(404);
  });
});

describe('faults of both', () => {
  test('an answer may be lost, or bad, before or after what was asked for is done', async () => {
    const server = await standIn({ tokens: [TOKEN] });
    server.fail('500pre', '500post');
    expect((await upload(server)).status).toBe(500);
    expect((await call(server, '/v6/files')).json).toEqual([]);
    expect((await upload(server)).status).toBe(500);
    expect((await call(server, '/v6/files')).json).toHaveLength(1);
    expect((await upload(server)).json.code).toBe('file_asset_duplicated_name');
    server.fail('resetpost');
    const { json } = await upload(server, { filename: 'other.csv' }).catch(() => ({ json: {} }));
    expect(json).toEqual({});
    const [file] = Object.values((await call(server, '/v6/files?name=other.csv')).json);
    server.fail('badjson-post');
    const id = jsonOf(JSON.stringify(file)).id;
    await make(server, { data_source: { type: 'FILE_ASSET', file_asset_id: id }, event_columns: COLUMNS });
    expect((await call(server, '/v6/batches')).json).toHaveLength(1);
    expect(taken(server)).toHaveLength(2);
  });

  test('looks have faults of their own', async () => {
    const { server, source } = await fileAndServer();
    const id = await batchOf(server, source);
    server.failLooks('429', '503pre', 'badjson-pre', '401');
    const statuses: number[] = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await call(server, `/v6/batches/${id}`)).status);
    expect(statuses).toEqual([429, 503, 200, 401, 200]);
  });

  test('the token and its hundred requests a minute hold for files and batches', async () => {
    const server = await standIn({ tokens: [TOKEN], requestsPerMinute: 2 });
    expect((await call(server, '/v6/files', { token: 'other' })).status).toBe(401);
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await call(server, '/v6/batches')).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await upload(server)).status).toBe(429);
  });
});
