import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffBound, backoffDelay, retryAfterMs } from '../../src/delivery/backoff.ts';
import type { HttpReply } from '../../src/delivery/http.ts';
import { createPacer, type Pacer } from '../../src/delivery/pacer.ts';
import { classify } from '../../src/destinations/extole/classify.ts';
import { ACTING } from '../fuzz/support.ts';
import { runs, timeFor } from './support/runs.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const text = fc.string({ unit: 'binary', maxLength: 60 });

const id = fc.oneof(
  text,
  fc.constantFrom('', '7465313346145957284', null, true, 12, [], {}),
  fc.integer(),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
);
const event = fc.record(
  { event_id: id, id, person_id: id, code: id, message: text, unique_id: id },
  { requiredKeys: [] },
);
const body = fc.oneof(
  event.map((value) => JSON.stringify(value)),
  fc.json(),
  text,
  fc.tuple(event, fc.nat(60)).map(([value, cut]) => JSON.stringify(value).slice(0, cut)),
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
  event.map((value) => `<html>${JSON.stringify(value)}</html>`),
);
const reply: fc.Arbitrary<HttpReply> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record({
        status: fc.oneof(
          fc.constantFrom(200, 200, 200, 204, 301, 400, 401, 404, 429, 500),
          fc.integer({ min: -1, max: 1000 }),
        ),
        headers: fc.dictionary(fc.constantFrom('retry-after', 'x-extole-error-message', 'content-type'), text, {
          maxKeys: 2,
        }),
        body,
        truncated: fc.boolean(),
      })
      .map(({ status, headers, body, truncated }): HttpReply => {
        const header = (name: string): string | undefined => headers[name];
        return { kind: 'reply', status, header, body, ...(truncated ? { truncated } : {}) };
      }),
  },
  fc.record({ kind: fc.constantFrom('ambiguous' as const, 'not-sent' as const), code: text, message: text }),
);

/** The only yes there is: 200, whole, one JSON object, a named event, and no complaint in the headers. Written down anew. */
function isYes(given: HttpReply, api: 'v5' | 'v6'): boolean {
  if (given.kind !== 'reply' || given.status !== 200 || given.truncated) return false;
  if (given.header('x-extole-error-message') !== undefined) return false;
  let parsed: unknown;
  try {
    parsed = JSON.parse(given.body);
  } catch {
    return false;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return false;
  const names = api === 'v5' ? ['event_id', 'id'] : ['event_id'];
  return names.some((name) => {
    const value: unknown = Reflect.get(parsed, name);
    // A whole number counts by its digits in the text.
    return (
      (typeof value === 'string' && value !== '') ||
      (typeof value === 'number' && new RegExp(`"${name}"\\s*:\\s*\\d+\\s*[,}]`).test(given.body))
    );
  });
}

it('every reply has exactly one meaning, and nothing but a 200 that names the event is a yes', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(reply, fc.constantFrom('v5' as const, 'v6' as const), (given, api) => {
      const answer = classify(given, api, NOW);
      seen.add(answer.kind);
      expect(answer.kind === 'accepted').toBe(isYes(given, api));
      if (answer.kind === 'accepted') return;
      expect(answer.code).toMatch(/^.{1,64}$/s);
      expect(answer.reason).not.toBe('');
      expect(ACTING.test(answer.code + answer.reason)).toBe(false);
      if (given.kind === 'reply' && given.status >= 500) expect(answer.kind).toBe('unknown');
      if (given.kind === 'ambiguous') expect(answer.kind).toBe('unknown');
    }),
    runs(3000),
  );
  expect(seen.size).toBe(5);
});

it('the wait before a try is bounded by its number, its cap and nothing else', () => {
  const backoff = fc.record({
    first: fc.integer({ min: 1, max: 60_000 }),
    cap: fc.integer({ min: 1, max: 3_600_000 }),
  });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.maxSafeInteger()),
      backoff,
      random,
      (tries, settings, chance) => {
        const bound = backoffBound(tries, settings);
        const delay = backoffDelay(tries, settings, chance);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(bound);
        expect(bound).toBeLessThanOrEqual(settings.cap);
        if (tries >= 1 && tries < 30) expect(bound).toBe(Math.min(settings.cap, settings.first * 2 ** (tries - 1)));
        expect(backoffBound(tries + 1, settings)).toBeGreaterThanOrEqual(bound);
      },
    ),
    runs(1000),
  );
});

it('H02: a Retry-After of any text is from one second to ten minutes, or as if it were absent', () => {
  const value = fc.oneof(
    text,
    fc.integer({ min: -10, max: 2_000_000 }).map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.constantFrom(
      '2',
      '0',
      '-1',
      '999999',
      '1e3',
      '0x10',
      '٣',
      '3.5',
      ' 5 ',
      'Mon, 31 Feb 2026 00:00:00 GMT',
      '9'.repeat(400),
    ),
  );
  fc.assert(
    fc.property(value, fc.integer({ min: 0, max: 4e12 }), (header, now) => {
      const ms = retryAfterMs(header, now);
      if (ms === undefined) {
        expect(/^\d{1,9}$/.test(header)).toBe(false);
        return;
      }
      expect(ms).toBeGreaterThanOrEqual(1000);
      expect(ms).toBeLessThanOrEqual(600_000);
      if (/^\d{1,9}$/.test(header)) expect(ms).toBe(Math.min(600_000, Math.max(1000, Number(header) * 1000)));
    }),
    runs(2000),
  );
});

it(
  'no minute holds more requests than the limit, however many ask at once and however long the process stood still',
  () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 10, arbitrary: fc.record({ ask: fc.integer({ min: 1, max: 6 }) }) },
        { weight: 3, arbitrary: fc.record({ stall: fc.integer({ min: 1, max: 120_000 }) }) },
      ),
      { minLength: 30, maxLength: 100 },
    );
    fc.assert(
      fc.property(steps, fc.constantFrom(6, 30, 100), (list, limit) => {
        const left = leave(list, createPacer(limit, 0));
        const gaps = left.slice(limit).map((at, i) => at - (left[i] ?? 0));
        expect(Math.min(...gaps, Number.POSITIVE_INFINITY)).toBeGreaterThan(60_000);
      }),
      runs(300),
    );
  },
  timeFor(20_000),
);

/** Jobs that share a token; each asks for one moment at a time. */
const MOST_WAITING = 8;

/** When requests leave: those that wait wake at their moment, or when the process goes on after it stood still. */
function leave(steps: readonly ({ ask: number } | { stall: number })[], pacer: Pacer): number[] {
  const left: number[] = [];
  let now = 0;
  let waiting: number[] = [];
  const wake = (until: number): void => {
    for (;;) {
      waiting.sort((a, b) => a - b);
      const [next] = waiting;
      if (next === undefined || next > until) return;
      waiting.shift();
      now = Math.max(now, next);
      const wait = pacer.left(now);
      if (wait > 0) waiting.push(now + wait);
      else left.push(now);
    }
  };
  for (const step of steps) {
    if ('stall' in step) now += step.stall;
    else for (let i = 0; i < step.ask && waiting.length < MOST_WAITING; i++) waiting.push(pacer.reserve(now));
    wake(now + 700);
    now += 700;
  }
  wake(Number.POSITIVE_INFINITY);
  waiting = [];
  return left;
}
