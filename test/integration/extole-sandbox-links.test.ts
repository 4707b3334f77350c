import { afterEach, describe, expect, test } from 'vitest';
import type { ExtoleStandIn } from '../../src/sandbox/extole/server.ts';
import { closeLinks, linkStandIn } from './extole-links-setup.ts';

afterEach(closeLinks);

const TOKEN = 'sandbox-token';

async function call(
  server: ExtoleStandIn,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; json: unknown }> {
  const reply = await fetch(`${server.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  return { status: reply.status, json: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
}

const links = (personId: string): string => `/v5/persons/${personId}/shareables`;

describe('the stand-in for persons and links', () => {
  test('makes a person once, finds it, and gives it links as the specification shows them', async () => {
    const server = await linkStandIn();
    const made = await call(server, 'POST', '/v5/persons', { identity_key_value: 'Ann@Example.com' });
    const id = server.received[0]?.eventId ?? '';
    expect(made).toMatchObject({ status: 200, json: { id, identity_key_value: 'ann@example.com' } });
    const again = await call(server, 'POST', '/v5/persons', { identity_key_value: 'ann@example.com' });
    expect(again).toMatchObject({ status: 400, json: { code: 'identity_key_value_already_taken' } });
    expect(await call(server, 'GET', '/v5/persons?identity_key_value=ANN@example.com')).toMatchObject({
      json: [{ id }],
    });
    expect(await call(server, 'GET', `/v5/persons/${id}`)).toMatchObject({ json: { id } });
    const link = { label: 'friends', code: 'ann-1', key: 'k-1', data: { a: 'b' } };
    const { json } = await call(server, 'POST', links(id), link);
    expect(json).toEqual({
      code: 'ann-1',
      content: {},
      created_date: expect.stringMatching(/Z$/),
      data: { a: { name: 'a', value: 'b' } },
      key: 'k-1',
      label: 'friends',
      link: 'https://share.acme.example/ann-1',
      updated_date: expect.stringMatching(/Z$/),
    });
    expect(await call(server, 'GET', `${links(id)}?labels=friends`)).toEqual({ status: 200, json: [json] });
    expect(await call(server, 'GET', `${links(id)}?labels=other`)).toEqual({ status: 200, json: [] });
    expect(await call(server, 'GET', `${links(id)}/ANN-1`)).toEqual({ status: 200, json });
  });

  test.each([
    ['an unknown field', { label: 'friends', program_uri: 'x' }, 400, 'binding_error'],
    ['the field of the other version', { label: 'friends', 'program-url': 'x' }, 400, 'binding_error'],
    ['no label', { code: 'ann-1' }, 403, 'label_is_missing'],
    ['a label with a space', { label: 'my friends' }, 403, 'label_name_contains_illegal_character'],
    ['a short code', { label: 'friends', code: 'ann' }, 403, 'code_out_of_range'],
    ['a long code', { label: 'friends', code: 'a'.repeat(51) }, 403, 'code_out_of_range'],
    ['an accent', { label: 'friends', code: 'josé' }, 403, 'code_illegal_character'],
    ['a reserved word', { label: 'friends', code: 'my-Admin' }, 403, 'code_contains_reserved_word'],
    ['a code that is taken, in another case', { label: 'friends', code: 'TAKEN' }, 403, 'code_taken'],
    ['a key that is taken', { label: 'friends', key: 'k-1' }, 403, 'shareable_key_taken'],
    ['long data', { label: 'friends', data: { a: 'b'.repeat(2001) } }, 403, 'data_attribute_value_length_out_of_range'],
    ['a number as data', { label: 'friends', data: { a: 1 } }, 403, 'data_attribute_value_invalid'],
    ['unknown content', { label: 'friends', content: { name: 'x' } }, 400, 'binding_error'],
    ['an image that is no URL', { label: 'friends', content: { image_url: 'x' } }, 403, 'content_image_url_invalid'],
    ['an unknown program', { label: 'friends', program_url: 'https://other.example/' }, 400, 'unknown_program'],
  ])('refuses %s', async (_what, body, status, code) => {
    const server = await linkStandIn({ shareables: { programs: ['https://acme.example/'] } });
    const personId = server.links.addPerson({ email: 'ann@example.com' });
    server.links.putShareable({ personId, label: 'x', code: 'taken', key: 'k-1' });
    expect(await call(server, 'POST', links(personId), body)).toMatchObject({ status, json: { code } });
    expect(server.links.shareables).toHaveLength(1);
  });

  test('refuses nobody, and somebody without an e-mail', async () => {
    const server = await linkStandIn();
    const link = { label: 'friends' };
    expect(await call(server, 'POST', links('1'), link)).toMatchObject({
      status: 403,
      json: { code: 'person_not_found' },
    });
    const id = server.links.addPerson({ keys: { partner_user_id: '007' } });
    expect(await call(server, 'POST', links(id), link)).toMatchObject({ json: { code: 'person_not_rewardable' } });
    expect(await call(server, 'GET', '/v5/persons?person_keys=partner_user_id:007')).toMatchObject({ json: [{ id }] });
  });

  test('counts all of it against the limit of the token', async () => {
    const server = await linkStandIn({}, { requestsPerMinute: 3 });
    const statuses: number[] = [];
    for (const path of ['/v5/persons/1', links('1'), '/v4/reports', links('1')])
      statuses.push((await call(server, 'GET', path)).status);
    expect(statuses).toEqual([403, 403, 200, 429]);
  });

  test('gives people a link with an event, where the account is set up so, and remembers them', async () => {
    const server = await linkStandIn({ onEvents: { joined: 'friends' } });
    const event = { event_name: 'joined', event_time: '2026-11-20T14:03:00Z', data: { email: 'ann@example.com' } };
    await call(server, 'POST', '/v6/async-events', event);
    await call(server, 'POST', '/v6/async-events', event);
    expect(server.links.shareables).toMatchObject([{ label: 'friends' }]);
    expect(server.links.person(server.links.shareables[0]?.personId ?? '')?.email).toBe('ann@example.com');
  });

  test('downloads reports by pages of at most a thousand', async () => {
    const server = await linkStandIn();
    const request = {
      ...{ name: 'SHAREABLES', report_type: 'SHAREABLES', display_name: 'x', format: null, formats: ['CSV'] },
      ...{ parameters: {}, rerun: true, tags: ['x'], scopes: null, sftp_report_name: null, sftp_server_id: null },
    };
    const { scopes: _scopes, ...short } = request;
    expect(await call(server, 'POST', '/v4/reports', short)).toMatchObject({ json: { code: 'binding_error' } });
    await call(server, 'POST', '/v4/reports', request);
    const id = server.received.at(-1)?.eventId;
    expect(await call(server, 'GET', `/v4/reports/${id}/download.csv?limit=1001`)).toMatchObject({
      status: 400,
      json: { code: 'max_fetch_size_1000' },
    });
    expect(await call(server, 'GET', `/v4/reports/${id}/download.json`)).toMatchObject({
      json: { code: 'report_content_format_not_found' },
    });
    expect(await call(server, 'GET', '/v4/reports?having_any_tags=x')).toMatchObject({ json: [{ report_id: id }] });
  });
});
