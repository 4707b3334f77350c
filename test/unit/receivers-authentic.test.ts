import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { extoleSentHeaders, extoleSigned, heapSigned, isOneOf } from '../../src/receivers/authentic.ts';

const BODY = Buffer.from('{"a":1}');
const hex = (key: string): string => createHmac('sha256', key).update(BODY).digest('hex');

describe('whether a post is from whom it should be', () => {
  test('X03: texts of any length are compared by digests of one length, and each key is looked at, also after the right one', () => {
    expect(isOneOf('key-two', ['key-one', 'key-two', 'key-three'])).toBe(true);
    for (const wrong of ['', 'key', 'key-twoo', 'key-tw', 'KEY-TWO', 'key-two\0', '\u212aey-two'])
      expect(isOneOf(wrong, ['key-one', 'key-two']), wrong).toBe(false);
    expect(isOneOf('', [])).toBe(false);
    const source = readFileSync(new URL('../../src/receivers/authentic.ts', import.meta.url), 'utf8');
    expect(source).toContain('found = timingSafeEqual(its, digest(one)) || found');
    // Nothing that was told is compared in a way that ends at the first difference.
    expect(source).not.toMatch(/\btold\s*[!=]==\s*[^'\s]|=== told\b|includes\(told|startsWith\(told/);
  });

  test('the key of Basic is compared as it is written, base64 of user and password', () => {
    const basic = { keyType: 'basic' as const, key: ['extole:secret word'] };
    const sent = (authorization: string): boolean | undefined => extoleSentHeaders(basic, { authorization });
    expect(sent(`Basic ${Buffer.from('extole:secret word').toString('base64')}`)).toBe(true);
    expect(sent(`basic  ${Buffer.from('extole:secret word').toString('base64')} `)).toBe(true);
    expect(sent('Basic extole:secret word')).toBe(false);
    expect(sent(`Bearer ${Buffer.from('extole:secret word').toString('base64')}`)).toBe(false);
    expect(extoleSentHeaders(basic, {})).toBe(false);
  });

  test('a signature may be in capitals, and is of the body alone', () => {
    expect(extoleSigned(['k'], { 'x-extole-signature': hex('k').toUpperCase() }, BODY)).toBe(true);
    expect(extoleSigned(['k'], { 'x-extole-signature': `sha256=${hex('k')}` }, BODY)).toBe(false);
    expect(extoleSigned(['k'], { 'x-extole-signature': hex('k').slice(0, 32) }, BODY)).toBe(false);
    expect(extoleSigned(['k'], {}, BODY)).toBe(false);
  });

  test("Heap's time is part of what is signed, and is told apart from a forged signature", () => {
    const at = 1_763_700_000_000;
    const hash = (ts: number): string => createHmac('sha256', 'k').update(`${ts}`).update(BODY).digest('base64');
    const verdict = (header: string, now = at): string => heapSigned(['k'], { 'heap-hash': header }, BODY, now).kind;
    expect(verdict(`ts:${at},hmac:${hash(at)}`)).toBe('signed');
    expect(verdict(`hmac:${hash(at)}, ts:${at}`)).toBe('signed');
    expect(verdict(`ts:${at},hmac:${hash(at)}`, at + 60_001)).toBe('stale');
    expect(verdict(`ts:${at},hmac:${hash(at)}`, at - 60_001)).toBe('stale');
    expect(verdict(`ts:${at + 1},hmac:${hash(at)}`)).toBe('forged');
    expect(verdict(`ts:${at}.0,hmac:${hash(at)}`)).toBe('forged');
    expect(verdict(`ts:,hmac:${hash(at)}`)).toBe('forged');
  });

  test('who has no right key has no large body parsed, nor one that says that it is old', () => {
    const at = 1_763_700_000_000;
    const verdict = (body: string, ts: number, key = 'k'): string => {
      const signed = createHmac('sha256', key)
        .update(`${ts}`)
        .update(JSON.stringify(JSON.parse(body)));
      const header = `ts:${ts},hmac:${signed.digest('base64')}`;
      return heapSigned(['k'], { 'heap-hash': header }, Buffer.from(body), at).kind;
    };
    const spaced = (size: number): string => `{ "a": "${'x'.repeat(size)}" }`;
    expect(verdict(spaced(1000), at)).toBe('signed');
    expect(verdict(spaced(2047 * 1024), at)).toBe('signed');
    expect(verdict(spaced(2048 * 1024), at)).toBe('not-restated');
    expect(verdict(JSON.stringify({ a: 'x'.repeat(3_000_000) }), at)).toBe('signed');
    const parsed = vi.spyOn(JSON, 'parse');
    const parses = (body: string, header: string): number => {
      parsed.mockClear();
      heapSigned(['k'], { 'heap-hash': header }, Buffer.from(body), at);
      return parsed.mock.calls.length;
    };
    expect(parses(spaced(1000), `ts:${at},hmac:none`)).toBe(1);
    expect(parses(spaced(1000), `ts:${at - 60_001},hmac:none`)).toBe(0);
    expect(parses(spaced(2048 * 1024), `ts:${at},hmac:none`)).toBe(0);
    parsed.mockRestore();
  });
});
