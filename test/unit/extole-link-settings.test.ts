import { expect, test } from 'vitest';
import { z } from 'zod';
import { estimateFor } from '../../src/destinations/extole/links/estimate.ts';
import { linksSettings } from '../../src/destinations/extole/links/settings.ts';
import { contentOf, dataOf, fill, valuesOf } from '../../src/destinations/extole/links/texts.ts';

const MINIMAL = { account: 'acme', token: 'secret-token', label: 'refer-a-friend' };

test('an account, a token and a label are enough; the rest are the documented values', () => {
  expect(linksSettings.parse(MINIMAL)).toMatchObject({
    apiUrl: 'https://api.extole.io',
    requestsPerMinute: 100,
    key: '{label}-{person_id}',
    code: { tries: 8, fallback: 'extole' },
    apiVersion: 'v5',
    person: { findBy: ['email', 'partner_user_id'], identity: 'email', create: true },
    paths: { persons: '/v5/persons', reports: '/v4/reports' },
    patience: 600_000,
  });
});

test.each([
  ['key', { key: '{label}-{employee_id}' }],
  ['label', { label: 'refer a friend' }],
  ['code.template', { code: { template: '{first_name' } }],
  ['lane', { lane: 'events' }],
  ['apiUrl', { apiUrl: 'http://api.extole.io' }],
  ['programUrl', { programUrl: 'acme.example' }],
  ['report.linkPrefix', { report: { type: 'X', linkPrefix: 'http://share.acme.example/' } }],
  ['person.findBy', { person: { findBy: [] } }],
])('%s is told of where it cannot be', (field, input) => {
  const issue = linksSettings.safeParse({ ...MINIMAL, ...input }).error?.issues[0];
  expect(issue?.code === 'unrecognized_keys' ? issue.keys.join('.') : issue?.path.join('.')).toBe(field);
});

const described = z.looseObject({ description: z.string().optional() });

function undescribed(schema: unknown, path: string): string[] {
  const { properties = {} } = z.object({ properties: z.record(z.string(), z.unknown()).optional() }).parse(schema);
  return Object.entries(properties).flatMap(([name, field]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [...(described.parse(field).description ? [] : [at]), ...undescribed(field, at)];
  });
}

test('each field has a help text', () => {
  expect(undescribed(z.toJSONSchema(linksSettings, { io: 'input' }), '')).toEqual([]);
});

test('texts are filled with columns, and left out where one is empty; nobody can pass for another by a column', () => {
  const person = {
    email: 'ann@example.com',
    columns: { person_id: '1', label: 'x', email: 'bo@example.com', a: ' A ' },
  };
  const values = valuesOf('friends', '699', person);
  expect(fill('{label}-{person_id}-{a}', values)).toBe('friends-699-A');
  expect(fill('{email}', values)).toBe('ann@example.com');
  expect(fill('{b}', values)).toBeUndefined();
  expect(dataOf({ one: '{a}', two: '{b}', three: 'fixed' }, values)).toEqual({ one: 'A', three: 'fixed' });
  expect(contentOf({ title: '{b}' }, values)).toBeUndefined();
  expect(contentOf({ partnerContentId: '{a}', imageUrl: 'https://x.example/{a}' }, values)).toEqual({
    partner_content_id: 'A',
    image_url: 'https://x.example/A',
  });
});

test.each([
  [1, 100, 'less than a minute'],
  [500, 100, '10 min to 15 min'],
  [10_000, 100, '3 h to 5 h'],
  [100_000, 100, '33 h to 50 h'],
])('%i people at %i requests a minute take %s', (people, perMinute, words) => {
  expect(estimateFor(people, perMinute).text).toContain(`: ${words}`);
});
