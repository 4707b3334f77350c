import { describe, expect, test } from 'vitest';
import { classify, isDailyLimit } from '../../src/destinations/hubspot/classify.ts';
import { nextMidnight } from '../../src/destinations/hubspot/daily.ts';
import { hubspotSettings } from '../../src/destinations/hubspot/settings.ts';
import type { Reply } from '../../src/destinations/patience.ts';

function reply(status: number, body: unknown): Reply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'reply', status, header: () => undefined, body: text };
}

describe('what an answer of HubSpot means', () => {
  test('every status with every kind of body has an answer that is no yes, and a reason of one line', () => {
    const bodies = [
      '',
      'null',
      '[]',
      '{',
      '<html>',
      '{"message":7,"errors":[null,1],"context":[]}',
      '{"category":"\\u202e"}',
    ];
    for (let status = 100; status < 600; status += 1) {
      for (const body of bodies) {
        const answer = classify(reply(status, body));
        expect(answer.kind).not.toBe('accepted');
        if (answer.kind !== 'accepted') expect(answer.reason).toMatch(/^[^\n\r\u202e]+$/);
      }
    }
  });

  test.each([
    [
      'a value',
      { message: 'x [{"message":"is \\"bad\\"","error":"INVALID_OPTION"}]', category: 'VALIDATION_ERROR' },
      'rejected',
      'INVALID_OPTION',
    ],
    [
      'inner errors',
      { message: 'x', category: 'VALIDATION_ERROR', errors: [{ code: 'INVALID_DATE' }] },
      'rejected',
      'INVALID_DATE',
    ],
    ['a category only', { message: 'x', category: 'VALIDATION_ERROR' }, 'rejected', 'VALIDATION_ERROR'],
    ['nothing', {}, 'rejected', 'HTTP_400'],
    ['a property', { message: 'x', errors: [{ code: 'PROPERTY_DOESNT_EXIST' }] }, 'halted', 'PROPERTY_UNUSABLE'],
    ['trouble of its own', { message: 'x', category: 'INTERNAL_ERROR' }, 'retryable', 'INTERNAL_ERROR'],
  ])('a 400 about %s', (_what, body, kind, code) => {
    expect(classify(reply(400, body))).toMatchObject({ kind, code });
  });

  test('a 404 is of the contact where HubSpot says so, else of the path', () => {
    expect(classify(reply(404, { category: 'OBJECT_NOT_FOUND' }))).toMatchObject({ code: 'CONTACT_GONE' });
    expect(classify(reply(404, '<html>'))).toMatchObject({ kind: 'halted', code: 'MISROUTED' });
  });

  test('only a policy of the day is the daily limit', () => {
    expect(isDailyLimit(reply(429, { policyName: 'DAILY' }))).toBe(true);
    expect(isDailyLimit(reply(429, { policyName: 'TEN_SECONDLY_ROLLING' }))).toBe(false);
    expect(isDailyLimit(reply(429, '<html>'))).toBe(false);
    expect(isDailyLimit(reply(200, { policyName: 'DAILY' }))).toBe(false);
  });
});

describe('the next midnight', () => {
  test.each([
    ['UTC', '2026-11-21T17:30:00Z', '2026-11-22T00:00:00Z'],
    ['UTC', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'],
    ['America/New_York', '2026-11-21T17:30:00Z', '2026-11-22T05:00:00Z'],
    ['America/New_York', '2026-03-08T06:00:00Z', '2026-03-09T04:00:00Z'],
    ['America/New_York', '2026-11-01T05:00:00Z', '2026-11-02T05:00:00Z'],
    ['Asia/Kolkata', '2026-11-21T18:29:59Z', '2026-11-21T18:30:00Z'],
    ['America/Sao_Paulo', '2018-11-03T12:00:00Z', '2018-11-04T03:00:00Z'],
  ])('in %s after %s is %s', (zone, now, midnight) => {
    expect(new Date(nextMidnight(Date.parse(now), zone)).toISOString()).toBe(new Date(midnight).toISOString());
  });
});

describe('settings', () => {
  test('a name for the account and a token are enough', () => {
    expect(hubspotSettings.parse({ account: 'acme', token: 'pat-na1-x' })).toMatchObject({
      url: 'https://api.hubapi.com',
      paths: { contacts: '/crm/v3/objects/contacts' },
      requestsPer10Seconds: 100,
      patience: 600_000,
      timezone: 'UTC',
    });
  });

  test.each([
    ['an unknown field', { tokens: 'x' }],
    ['plain http', { url: 'http://api.hubapi.com' }],
    ['a zone that is none', { timezone: 'Mars/Olympus' }],
    ['a label in place of a name', { userIdProperty: 'Member ID' }],
    ['a token with a line break', { token: 'a\nb' }],
  ])('%s is refused', (_what, settings) => {
    expect(hubspotSettings.safeParse({ account: 'acme', token: 'x', ...settings }).success).toBe(false);
  });
});
