import { describe, expect, it } from 'vitest';
import { createHealth } from '../../src/delivery/health.ts';
import type { HttpReply } from '../../src/delivery/http.ts';
import { classify } from '../../src/destinations/extole/classify.ts';
import { classifyCall } from '../../src/destinations/extole/links/classify.ts';
import { askPatiently } from '../../src/destinations/patience.ts';
import type { Answer } from '../../src/model.ts';
import { accepted, createClock, many, play, stateOf, throttled } from './window-fixture.ts';

const reply = (status: number, headers: Record<string, string> = {}): HttpReply => ({
  kind: 'reply',
  status,
  body: '',
  header: (name) => headers[name],
});
const busy = reply(503, { 'retry-after': '30' });
const unavailable: Answer = { kind: 'unknown', code: 'SERVER_ERROR', reason: 'maybe', http: 503, afterMs: 30_000 };

describe('a server in trouble that says when to come back', () => {
  it('H02: is heard with a 503 as with a 429, and not where it says nothing', () => {
    expect(classify(busy, 'v6', 0)).toMatchObject({ kind: 'unknown', afterMs: 30_000, http: 503 });
    expect(classify(reply(503), 'v6', 0)).not.toHaveProperty('afterMs');
    expect(classifyCall(busy, 0)).toMatchObject({ kind: 'unknown', afterMs: 30_000 });
    expect(classifyCall(reply(500), 0)).not.toHaveProperty('afterMs');
  });

  it('H02: is left alone by the whole window for as long as it asked', async () => {
    const story = await play({
      rows: many(12),
      start: 4,
      max: 4,
      reply: (_name, nth) => ({ answer: nth === 1 ? unavailable : accepted }),
    });
    const first = story.sent[0]?.at ?? 0;
    const later = story.sent.filter(({ at }) => at > first + 10);
    expect(later.length).toBeGreaterThan(11);
    for (const { at } of later) expect(at).toBeGreaterThanOrEqual(first + 30_000);
    for (const { name } of many(12)) expect(stateOf(story, name)).toBe('delivered');
  });

  it('H02: is not asked sooner because the answer belongs to a request from before the pause', () => {
    const health = createHealth(() => 1000, 600_000);
    const before = health.era;
    health.onAnswer(throttled, 1, before, 0);
    expect(health.pausedUntil).toBe(1000);
    health.onAnswer(
      { ...throttled, kind: 'retryable', code: 'THROTTLED', reason: '', afterMs: 20_000 },
      2,
      before,
      500,
    );
    expect(health.pausedUntil).toBe(20_500);
    // Nor because one that had left meanwhile was good.
    health.onAnswer(accepted, 3, health.era, 1500);
    expect([health.allowed(8, 20_000), health.allowed(8, 20_500)]).toEqual([0, 8]);
  });

  it('H02: is waited for by calls that are repeated, and given up at once where it asks for longer than patience lasts', async () => {
    const { io, run } = createClock();
    const ask = (patienceMs: number, answers: HttpReply[]) =>
      run(
        askPatiently(
          async () => answers.shift() ?? reply(200),
          {
            provider: 'Braze',
            patienceMs,
            backoff: { first: 1000, cap: 30_000 },
            turn: async () => undefined,
            closing: new AbortController().signal,
            io,
          },
          new AbortController().signal,
        ),
      );
    const start = io.monotonic();
    expect(await ask(120_000, [busy])).toMatchObject({ reply: { status: 200 } });
    expect(io.monotonic() - start).toBeGreaterThanOrEqual(30_000);
    const again = io.monotonic();
    expect(await ask(20_000, [busy])).toMatchObject({ stopped: { kind: 'unknown', afterMs: 30_000 } });
    expect(io.monotonic()).toBe(again);
  });
});
