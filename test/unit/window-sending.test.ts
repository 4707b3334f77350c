import { describe, expect, it } from 'vitest';
import { createHealth } from '../../src/delivery/health.ts';
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

const yes = { answer: accepted };

describe('the delivery window', () => {
  it('claims each row before it is sent, and never has more than the window claimed and not recorded', async () => {
    for (const window of [1, 3, 8, 50]) {
      const story = await play({ rows: many(200), window, reply: () => ({ answer: accepted, afterMs: 5 }), start: 64 });
      expect(story.error).toBeUndefined();
      expect([...story.entries.values()].every(({ state }) => state === 'delivered')).toBe(true);
      expect(story.entries.size).toBe(200);
      expect(story.mostClaimed).toBeLessThanOrEqual(window);
      // It is not merely kept: it is used.
      if (window <= 8) expect(story.mostClaimed).toBe(window);
      expect(story.mostInFlight).toBeLessThanOrEqual(window);
    }
  });

  it('lets claims and records share commits', async () => {
    const story = await play({
      rows: many(500),
      window: 64,
      start: 32,
      reply: () => ({ answer: accepted, afterMs: 3 }),
    });
    expect(story.commits.length).toBeLessThan(120);
    expect(story.commits.some(({ ended, claims }) => ended > 1 && claims > 1)).toBe(true);
  });

  it('records an answer soon, also where no other comes to share its commit', async () => {
    const story = await play({ rows: many(3), reply: (name) => (name === 'row-1' ? yes : 'never') });
    // Nothing more will ever happen here; by then the one answer must be in the ledger.
    expect(String(story.error)).toContain('nothing is under way');
    expect(stateOf(story, 'row-1')).toBe('delivered');
  });

  it('tries a row again after the pause of the destination is over, also where nothing else is left to do', async () => {
    let n = 0;
    // The pause is short, the row's own wait is long: the end of the one must not make the other be forgotten.
    const story = await play({
      rows: many(1),
      backoffMs: () => (n++ === 0 ? 5 : 500),
      reply: (_, nth) => (nth === 1 ? { answer: throttled } : yes),
    });
    expect(story.error).toBeUndefined();
    expect(stateOf(story, 'row-1')).toBe('delivered');
  });

  it('sends rows of one person one after the other in file order, and others beside them', async () => {
    const story = await play({
      rows: many(60, (i) => (i % 3 === 0 ? 'ann' : '')),
      window: 16,
      start: 16,
      reply: () => ({ answer: accepted, afterMs: 7 }),
    });
    const ann = many(60)
      .filter((_, i) => i % 3 === 0)
      .map(({ name }) => name);
    expect(story.sent.map(({ name }) => name).filter((name) => ann.includes(name))).toEqual(ann);
    expect(story.mostOfOneOrder).toBe(1);
    expect(story.mostInFlight).toBeGreaterThan(4);
  });

  it('H21: rows of one person keep their distance, in order, and hold nobody else up', async () => {
    const rows = many(60, (i) => (i < 30 ? 'ann' : `other-${i}`));
    const story = await play({ rows, window: 64, batch: 60, restMs: 100, reply: () => yes });
    const at = (mine: boolean): number[] =>
      story.sent.filter(({ name }) => Number(name.slice(4)) <= 30 === mine).map((each) => each.at);
    for (const [i, time] of at(true).entries())
      if (i > 0) expect(time - (at(true)[i - 1] ?? 0)).toBeGreaterThanOrEqual(100);
    expect(story.sent.filter(({ name }) => Number(name.slice(4)) <= 30).map(({ name }) => name)).toEqual(
      many(30).map(({ name }) => name),
    );
    expect(Math.max(...at(false)) - Math.min(...at(false))).toBeLessThan(200);
    expect([...story.entries.values()].every(({ state }) => state === 'delivered')).toBe(true);
  });

  it('H21: rows of one person that stand far apart in the file keep their distance, too', async () => {
    const rows = many(400, (i) => (i % 80 === 0 ? 'ann' : `other-${i}`));
    const story = await play({ rows, window: 8, restMs: 100, reply: () => yes });
    const ann = story.sent.filter(({ name }) => (Number(name.slice(4)) - 1) % 80 === 0);
    expect(ann).toHaveLength(5);
    for (const [i, { at }] of ann.entries()) if (i > 0) expect(at - (ann[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(100);
    expect([...story.entries.values()].every(({ state }) => state === 'delivered')).toBe(true);
  });

  it('H21: a row that is tried again keeps its distance to itself', async () => {
    const story = await play({
      rows: many(1, () => 'ann'),
      restMs: 100,
      backoffMs: () => 1,
      reply: (_, nth) => (nth < 3 ? { answer: unknown } : yes),
    });
    for (const [i, { at }] of story.sent.entries())
      if (i > 0) expect(at - (story.sent[i - 1]?.at ?? 0)).toBeGreaterThanOrEqual(100);
    expect(stateOf(story, 'row-1')).toBe('delivered');
  });

  it('keeps the next row of a person back while the one before is tried again', async () => {
    const story = await play({
      rows: many(2, () => 'ann'),
      reply: (name, nth) => (name === 'row-1' && nth < 3 ? { answer: unknown } : yes),
    });
    expect(story.sent.map(({ name }) => name)).toEqual(['row-1', 'row-1', 'row-1', 'row-2']);
  });

  it('blocks the rows behind a failed one, and none behind a rejected or held one', async () => {
    const answers = { failed: { ...unsent, http: 408 }, rejected, held: unknown };
    for (const [state, answer] of Object.entries(answers)) {
      const story = await play({
        rows: many(4, () => 'ann').concat(many(3).map(({ name }) => ({ name: `other-${name}` }))),
        rules: { resendUnknown: false },
        reply: (name) => (name === 'row-2' ? { answer } : yes),
      });
      expect(stateOf(story, 'row-2')).toBe(state);
      expect(story.blocked).toEqual(state === 'failed' ? ['row-3', 'row-4'] : []);
      expect(stateOf(story, 'row-4')).toBe(state === 'failed' ? 'untouched' : 'delivered');
      expect(stateOf(story, 'other-row-3')).toBe('delivered');
    }
  });

  it('does not send rows behind what earlier files left open', async () => {
    const story = await play({
      rows: many(4, (i) => (i % 2 === 0 ? 'ann' : 'bob')),
      blockedOrders: new Set(['ann']),
      reply: () => yes,
    });
    expect(story.blocked).toEqual(['row-1', 'row-3']);
    expect(story.sent.map(({ name }) => name)).toEqual(['row-2', 'row-4']);
  });

  it('goes on with the next row of a person where the ledger says that one must not leave', async () => {
    const story = await play({ rows: many(3, () => 'ann'), owned: new Set(['row-1', 'row-2']), reply: () => yes });
    expect(story.notSent).toEqual(['row-1', 'row-2']);
    expect(story.sent.map(({ name }) => name)).toEqual(['row-3']);
  });

  it('H01: slows the whole destination on 429: one request a back-off step, and no row is rejected or failed', async () => {
    let asked = 0;
    const story = await play({
      rows: many(40),
      window: 40,
      start: 8,
      outageAfterMs: 1e9,
      backoffMs: (n) => Math.min(30_000, 1000 * 2 ** (n - 1)),
      reply: () => (++asked <= 50 ? { answer: throttled } : yes),
    });
    expect([...story.entries.values()].map(({ state }) => state)).toEqual(Array(40).fill('delivered'));
    // The first eight were on the wire together; from then on a request is alone in its pause.
    const times = story.sent.slice(0, 51).map(({ at }) => at);
    const first = times.filter((at) => at === times[0]).length;
    expect(first).toBe(8);
    for (const [i, at] of times.entries()) {
      if (i <= first) continue;
      const step = Math.min(30_000, 1000 * 2 ** (i - first));
      expect(at - (times[i - 1] ?? 0), `pause before request ${i + 1}`).toBeGreaterThanOrEqual(step);
    }
  });

  it('waits as long as the destination asks', async () => {
    const later = { ...throttled, afterMs: 90_000 };
    const story = await play({ rows: many(1), reply: (_, nth) => (nth === 1 ? { answer: later } : yes) });
    const [first, second] = story.sent;
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(90_000);
    expect(stateOf(story, 'row-1')).toBe('delivered');
  });

  it('H03: rides out a burst of server errors without holding or failing a row', async () => {
    let asked = 0;
    const story = await play({
      rows: many(60),
      window: 32,
      start: 16,
      rules: { maxAmbiguous: 3 },
      outageAfterMs: 1e9,
      reply: () => (++asked <= 200 ? { answer: unknown } : yes),
    });
    expect([...story.entries.values()].filter(({ state }) => state !== 'delivered')).toEqual([]);
    // In trouble one row asks for all: the burst is not answered with a storm.
    const burst = story.sent.slice(0, 200);
    for (const [i, { at }] of burst.entries()) if (i > 32) expect(at).toBeGreaterThan(burst[i - 1]?.at ?? 0);
  });

  it('gives up on one bad row after its tries, while the others go on', async () => {
    const bad = { failed: { ...unsent, http: 408 }, held: unknown };
    for (const [state, answer] of Object.entries(bad)) {
      const story = await play({
        rows: many(30),
        rules: { maxAttempts: 4, maxAmbiguous: 4 },
        reply: (name) => (name === 'row-7' ? { answer } : yes),
      });
      expect(stateOf(story, 'row-7')).toBe(state);
      expect(story.sent.filter(({ name }) => name === 'row-7')).toHaveLength(4);
      expect([...story.entries.values()].filter((each) => each.state === 'delivered')).toHaveLength(29);
    }
  });

  it('holds a row whose delivery is unknown where the destination is not known to drop known keys', async () => {
    const story = await play({
      rows: many(3),
      rules: { resendUnknown: false },
      reply: (name) => (name === 'row-2' ? { answer: unknown } : yes),
    });
    expect(stateOf(story, 'row-2')).toBe('held');
    expect(story.sent.filter(({ name }) => name === 'row-2')).toHaveLength(1);
  });

  it('a row that may have been accepted never counts as unsent, whatever clear no comes after', async () => {
    for (const later of [throttled, { ...unsent, http: 408 }]) {
      const story = await play({
        rows: many(5),
        rules: { maxAttempts: 3, maxAmbiguous: 9 },
        reply: (name, nth) => (name === 'row-2' ? { answer: nth === 1 ? unknown : later } : yes),
      });
      expect(stateOf(story, 'row-2')).toBe('held');
      expect(story.entries.get('row-2')?.code).toBe('UNKNOWN_DELIVERY');
    }
    const stopped = await play({
      rows: many(5),
      reply: (name, nth) => (name === 'row-2' ? { answer: nth === 1 ? unknown : halted } : yes),
    });
    expect(stateOf(stopped, 'row-2')).toBe('unknown');
    const cutOff = await play({
      rows: many(5),
      reply: (name, nth) => (name === 'row-2' ? { answer: nth === 1 ? unknown : unsent } : yes),
    });
    expect(stateOf(cutOff, 'row-2')).toBe('unknown');
    expect(cutOff.end?.halted?.code).toBe('DESTINATION_DOWN');
  });

  it('a no to a later try is no answer to the first one, unless the destination is known to say yes to a key it has', async () => {
    for (const [yesToKnown, state] of [
      [true, 'rejected'],
      [false, 'held'],
    ] as const) {
      const story = await play({
        rows: many(5),
        rules: { yesToKnown },
        reply: (name, nth) => (name === 'row-2' ? { answer: nth === 1 ? unknown : rejected } : yes),
      });
      expect(stateOf(story, 'row-2')).toBe(state);
      expect(story.entries.get('row-2')?.code).toBe(yesToKnown ? 'invalid_parameter' : 'UNKNOWN_DELIVERY');
      const outright = await play({ rows: many(1), rules: { yesToKnown }, reply: () => ({ answer: rejected }) });
      expect(stateOf(outright, 'row-1')).toBe('rejected');
    }
  });

  it('a halted destination gets nothing more: what was claimed and not sent is taken back, the rest is untouched', async () => {
    const story = await play({
      rows: many(300),
      window: 64,
      start: 4,
      max: 4,
      reply: (name) => (name === 'row-20' ? { answer: halted } : { answer: accepted, afterMs: 10 }),
    });
    expect(story.end).toMatchObject({ halted: { code: 'FORBIDDEN' }, interrupted: false });
    const after = story.sent.findIndex(({ name }) => name === 'row-20');
    expect(story.sent.length - after).toBeLessThanOrEqual(5);
    const states = [...story.entries.values()].map(({ state }) => state);
    expect(new Set(states)).toEqual(new Set(['delivered', 'waiting']));
    expect(stateOf(story, 'row-20')).toBe('waiting');
    expect(stateOf(story, 'row-300')).toBe('untouched');
    const taken = [...story.entries.values()].filter(({ state, code }) => state === 'waiting' && code === 'FORBIDDEN');
    expect(taken.length).toBeGreaterThan(1);
  });

  it('H02: waits as long as it is asked to, and asks once more before it says that the destination is down', async () => {
    const later = { ...throttled, afterMs: 600_000 };
    let asked = 0;
    const back = await play({
      rows: many(3),
      start: 1,
      outageAfterMs: 120_000,
      reply: () => (++asked === 1 ? { answer: later } : yes),
    });
    expect(back.end).toEqual({ interrupted: false });
    expect([...back.entries.values()].map(({ state }) => state)).toEqual(Array(3).fill('delivered'));
    const gone = await play({ rows: many(3), start: 1, outageAfterMs: 120_000, reply: () => ({ answer: later }) });
    expect(gone.end?.halted?.code).toBe('DESTINATION_DOWN');
    expect(gone.sent).toHaveLength(2);
  });

  it('H25: a destination that cannot be reached uses up no row, be it one alone, and is seen as down', async () => {
    const story = await play({
      rows: many(1),
      backoffMs: (n) => Math.min(30_000, 1000 * 2 ** (n - 1)),
      outageAfterMs: 3_600_000,
      reply: () => ({ answer: unsent }),
    });
    expect(story.end?.halted?.code).toBe('DESTINATION_DOWN');
    expect(stateOf(story, 'row-1')).toBe('waiting');
    // An hour at 30 s: asked about a hundred times, and never more often.
    expect(story.sent.length).toBeGreaterThan(100);
    expect(story.sent.length).toBeLessThan(130);
  });

  it('H03: an outage over many small files holds one row, not one of each', async () => {
    const health = createHealth((n) => 10 * n, 500);
    const states: string[] = [];
    let end: Story['end'];
    for (let file = 0; file < 20 && !end?.halted; file++) {
      const story = await play({
        rows: [{ name: `row-${file}` }],
        firstId: file,
        health,
        reply: () => ({ answer: unknown }),
      });
      states.push(stateOf(story, `row-${file}`));
      end = story.end;
    }
    expect(end?.halted?.code).toBe('DESTINATION_DOWN');
    expect(states).toEqual(['held', 'unknown']);
  });

  it('ends as down after nothing but failures for long enough', async () => {
    const story = await play({ rows: many(20), outageAfterMs: 5000, reply: () => ({ answer: unsent }) });
    expect(story.end?.halted?.code).toBe('DESTINATION_DOWN');
    expect(new Set([...story.entries.values()].map(({ state }) => state))).toEqual(new Set(['waiting']));
  });
});
