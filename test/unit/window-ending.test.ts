import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/model.ts';
import {
  accepted,
  halted,
  many,
  play,
  rejected,
  type Story,
  stateOf,
  throttled,
  unknown,
  unsent,
} from './window-fixture.ts';

const FINAL = new Set(['delivered', 'rejected', 'failed', 'held']);

describe('how a pass through the window ends', () => {
  it('stopped, it takes no more work and waits for what is on the wire', async () => {
    const story = await play({
      rows: many(100),
      window: 32,
      start: 8,
      reply: () => ({ answer: accepted, afterMs: 400 }),
      onSend: (count, stop) => {
        if (count === 8) stop();
      },
    });
    expect(story.end).toEqual({ interrupted: true });
    expect(story.sent).toHaveLength(8);
    for (const { name } of story.sent) expect(stateOf(story, name)).toBe('delivered');
    expect(story.cut).toBe(0);
    expect([...story.entries.values()].filter(({ state }) => state === 'claimed')).toEqual([]);
  });

  it('stopped, it cuts what does not answer in time, which is then unknown', async () => {
    const story = await play({
      rows: many(20),
      start: 4,
      drainMs: 300,
      reply: (name) => (name === 'row-1' ? 'never' : { answer: accepted, afterMs: 50 }),
      onSend: (count, stop) => {
        if (count === 4) stop();
      },
    });
    expect(story.cut).toBe(1);
    expect(stateOf(story, 'row-1')).toBe('unknown');
    expect(stateOf(story, 'row-2')).toBe('delivered');
    expect([...story.entries.values()].filter(({ state }) => state === 'claimed')).toEqual([]);
  });

  it('C08: a process that stood still looks before it sends what it claimed: taken over meanwhile, it sends nothing more', async () => {
    const taken = new Error('another process took the ledger over');
    const story = await play({
      rows: many(40),
      window: 32,
      start: 2,
      max: 2,
      // Both answers come back to a process that stood still for five minutes.
      reply: () => ({ answer: accepted, afterMs: 300_000 }),
      mustHold: () => {
        throw taken;
      },
    });
    expect(story.error).toBe(taken);
    expect(story.sent).toHaveLength(2);
  });

  it('a commit that fails ends the pass with its error, and nothing is sent after it, whatever answers come meanwhile', async () => {
    const full = new Error('database or disk is full');
    let sentBefore = 0;
    let failedAt = 0;
    const story = await play({
      rows: many(60),
      batch: 100,
      window: 32,
      start: 4,
      max: 4,
      closingMs: 5000,
      reply: (name) => ({ answer: accepted, afterMs: name === 'row-1' ? 5 : 200 }),
      onSend: (count) => {
        sentBefore = count;
      },
      onCommit: (nth) => {
        if (nth === 2) {
          failedAt = sentBefore;
          throw full;
        }
      },
    });
    expect(story.error).toBe(full);
    expect(failedAt).toBeGreaterThan(0);
    expect(story.sent).toHaveLength(failedAt);
  });

  it('a broken source ends the pass with its error, after what is on the wire was recorded', async () => {
    const story = await play({
      rows: many(40),
      failAfter: 20,
      batch: 10,
      reply: () => ({ answer: accepted, afterMs: 30 }),
    });
    expect(story.error).toEqual(new Error('the source broke'));
    expect(story.sent.length).toBeGreaterThan(0);
    for (const { name } of story.sent) expect(stateOf(story, name)).toBe('delivered');
    expect([...story.entries.values()].filter(({ state }) => state === 'claimed')).toEqual([]);
  });

  it('a few rows that the destination can never take end after all, however much they look like an outage', async () => {
    const story = await play({ rows: many(3), reply: () => ({ answer: unknown }), outageAfterMs: 1e9 });
    for (const { name } of story.sent) expect(stateOf(story, name)).toBe('held');
    expect(story.sent.length).toBeGreaterThan(30);
    expect(story.sent.length).toBeLessThan(90);
  });

  it('without a row it ends at once', async () => {
    const story = await play({ rows: [], reply: () => 'never' });
    expect(story.end).toEqual({ interrupted: false });
    expect(story.commits).toEqual([]);
  });

  it('whatever the destination answers, each row ends exactly once, in the order of its person', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const story = await play({ ...plan.setting, reply: replyOf(plan) });
        expect(story.error).toBeUndefined();
        expect(story.mostClaimed).toBeLessThanOrEqual(plan.setting.window);
        expect(story.mostOfOneOrder).toBeLessThanOrEqual(1);
        const ends = plan.setting.rows.map(({ name }) => {
          const ways = [FINAL.has(stateOf(story, name)), story.blocked.includes(name), story.notSent.includes(name)];
          return ways.filter(Boolean).length;
        });
        expect(ends).toEqual(plan.setting.rows.map(() => 1));
        expectOrder(story, plan.setting.rows);
      }),
      { numRuns: 150 },
    );
  });

  it('stopped or halted anywhere, no row is left claimed, and none is final that got no final answer', async () => {
    await fc.assert(
      fc.asyncProperty(plans, fc.nat(40), fc.boolean(), async (plan, when, halts) => {
        const reply = replyOf(plan);
        let count = 0;
        const story = await play({
          ...plan.setting,
          drainMs: 20,
          reply: (name, nth) => (halts && ++count === when ? { answer: halted } : reply(name, nth)),
          onSend: (sent, stop) => {
            if (!halts && sent === when) stop();
          },
        });
        expect(story.error).toBeUndefined();
        for (const { name } of plan.setting.rows) {
          const state = stateOf(story, name);
          expect(state).not.toBe('claimed');
          if (state === 'delivered') expect(story.sent.some((each) => each.name === name)).toBe(true);
        }
        expect(story.mostClaimed).toBeLessThanOrEqual(plan.setting.window);
        expectOrder(story, plan.setting.rows);
      }),
      { numRuns: 150 },
    );
  });
});

const ANSWERS: readonly Answer[] = [
  accepted,
  accepted,
  accepted,
  rejected,
  throttled,
  unsent,
  unknown,
  { ...unsent, http: 408 },
];

const plans = fc.record({
  answers: fc.array(fc.nat(ANSWERS.length - 1), { minLength: 1, maxLength: 60 }),
  delays: fc.array(fc.nat(60), { minLength: 1, maxLength: 20 }),
  setting: fc
    .record({
      orders: fc.array(fc.constantFrom('', '', 'ann', 'bob', 'cho'), { maxLength: 50 }),
      window: fc.integer({ min: 1, max: 20 }),
      start: fc.integer({ min: 1, max: 12 }),
      batch: fc.integer({ min: 1, max: 20 }),
      resendUnknown: fc.boolean(),
      yesToKnown: fc.boolean(),
      owned: fc.array(fc.nat(50), { maxLength: 5 }),
    })
    .map(({ orders, resendUnknown, yesToKnown, owned, ...rest }) => ({
      ...rest,
      rows: orders.map((order, i) => ({ name: `row-${i + 1}`, order })),
      rules: { resendUnknown, yesToKnown },
      owned: new Set(owned.map((i) => `row-${i + 1}`)),
    })),
});

/** Random answers at first, a yes in the end, so that a pass always comes to one. */
function replyOf(plan: { answers: readonly number[]; delays: readonly number[] }) {
  let asked = 0;
  return (_name: string, nth: number): { answer: Answer; afterMs: number } => {
    const i = asked++;
    const answer = nth > 20 || i > 400 ? accepted : (ANSWERS[plan.answers[i % plan.answers.length] ?? 0] ?? accepted);
    return { answer, afterMs: plan.delays[i % plan.delays.length] ?? 1 };
  };
}

function expectOrder(story: Story, rows: readonly { name: string; order?: string }[]): void {
  for (const person of ['ann', 'bob', 'cho']) {
    const names = rows.filter(({ order }) => order === person).map(({ name }) => name);
    const places = story.sent.map(({ name }) => names.indexOf(name)).filter((place) => place >= 0);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  }
}
