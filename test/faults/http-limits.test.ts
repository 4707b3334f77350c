import { afterEach, describe, expect, it } from 'vitest';
import { fates, readResults } from '../integration/support/e2e-results.ts';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { type Watched, watch } from './support/watched.ts';

describe('the limits of the destination', { timeout: 60_000 }, () => {
  let world: World;
  let front: Watched | undefined;
  afterEach(async () => {
    await front?.close();
    front = undefined;
    await world.close();
  });
  const expectAllDelivered = (count: number): void => {
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(fates(lines)).toEqual(Array.from({ length: count }, (_, i) => `${i + 2} delivered`));
    const accepted = world.requests().filter((each) => each.accepted);
    expect(accepted).toHaveLength(count);
    expect(new Set(accepted.map(({ body }) => body.data.partner_conversion_id)).size).toBe(count);
  };

  it('H01, H24: fifty 429 in a row from the queue of async events: one request a pause, every row waits, none is lost', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url } },
      delivery: { ...PATIENT, concurrency: { start: 8, max: 8 }, backoff: { first: '5ms', cap: '20ms' } },
    });
    world.drop('a.csv', csv(rows('A', 60)));
    let asked = 0;
    world.extole.setFaults(() => (++asked <= 50 ? '429' : undefined));
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: 60, rejected: 0, failed: 0, held: 0, balanced: true });
    // The first eight left before anything was known; from then on each asked alone.
    expect(front.seen.slice(8, 50).map(({ together }) => together)).toEqual(Array(42).fill(1));
    expect(front.seen).toHaveLength(60 + 50);
    expectAllDelivered(60);
  });

  it('H02: Retry-After is waited for, at least a second where it asks for less, and not heeded where it says nothing', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url } },
      delivery: { ...PATIENT, concurrency: { start: 1, max: 1 }, backoff: { first: '1ms', cap: '1ms' } },
    });
    world.drop('a.csv', csv(rows('A', 8)));
    // When the answer is given: a date has whole seconds, so that it is more than two and at most three away.
    const date = (): string => new Date(Math.floor(Date.now() / 1000 + 3) * 1000).toUTCString();
    const garbage = ['-1', 'soon', '1e9', '2.5', '2026-11-22T08:00:00Z'];
    // Each three times: a busy machine may be slow once.
    const asked = ['2', date, '0', ...garbage, ...garbage, ...garbage];
    const answers = asked.values();
    world.extole.setFaults(() => {
      const after = answers.next().value;
      if (after === undefined) return undefined;
      const header = typeof after === 'string' ? after : after();
      return { kind: 'status', status: 429, headers: { 'retry-after': header } };
    });
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(front.seen).toHaveLength(asked.length + 8);
    const gaps = front.seen.map(({ at }, i) => at - (front?.seen[i - 1]?.at ?? 0)).slice(1, asked.length + 1);
    expect(gaps[0]).toBeGreaterThanOrEqual(1990);
    expect(gaps[1]).toBeGreaterThanOrEqual(1990);
    expect(gaps[2]).toBeGreaterThanOrEqual(990);
    for (const [i, what] of garbage.entries()) {
      const waits = gaps.filter((_, n) => n >= 3 && (n - 3) % garbage.length === i);
      expect(Math.min(...waits), what).toBeLessThan(900);
    }
    expectAllDelivered(8);
  });

  it('H20: a second process uses up the limit of the same token: both are slowed down, and neither loses a row', async () => {
    world = await openWorld();
    let used = 0;
    let until = 0;
    // A bucket of twenty in a tenth of a second, whoever asks.
    world.extole.setFaults(() => {
      const now = performance.now();
      if (now >= until) {
        until = now + 100;
        used = 0;
      }
      return ++used > 20 ? '429' : undefined;
    });
    world.job('feed', { delivery: PATIENT });
    world.job('other', { source: { match: '*.txt' }, delivery: PATIENT });
    world.drop('a.csv', csv(rows('A', 150)));
    world.drop('b.txt', csv(rows('B', 150)));
    const [first, second] = await Promise.all([
      world.cli(['run', 'feed', '--json']),
      world.cli(['run', 'other', '--json'], { REFERRY_STATE: `${world.root}/second` }),
    ]);
    expect([first.code, second.code], first.stderr + second.stderr).toEqual([0, 0]);
    expect(first.json()).toMatchObject({ delivered: 150, rejected: 0, failed: 0 });
    expect(second.json()).toMatchObject({ delivered: 150, rejected: 0, failed: 0 });
    const sent = world.requests();
    expect(sent.some(({ status }) => status === 429)).toBe(true);
    expect(sent.filter(({ accepted }) => accepted)).toHaveLength(300);
  });

  it('H21: never more than ten requests a second for one person, in the order of the file; others go meanwhile', async () => {
    world = await openWorld();
    front = await watch(world.extole.url);
    world.job('feed', {
      destination: { extole: { apiUrl: front.url, eventsUrl: front.url, requestsPerSecondPerPerson: 10 } },
      delivery: PATIENT,
    });
    const ann = { email: 'ann@private.example', member: 'M-ANN' };
    const hers = Array.from({ length: 25 }, (_, i) => row(`ANN-${String(i).padStart(4, '0')}`, ann));
    world.drop('a.csv', csv([...hers, ...rows('A', 100)]));
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    const times = front.seen.filter(({ body }) => body.includes('M-ANN')).map(({ at }) => at);
    expect(times).toHaveLength(25);
    for (const [i, at] of times.entries()) {
      const tenBefore = times[i - 10];
      if (tenBefore !== undefined) expect(at - tenBefore).toBeGreaterThanOrEqual(990);
    }
    const order = world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');
    expect(order.filter((key) => key.startsWith('ANN'))).toEqual(hers.map(({ id }) => id));
    const lastOther = Math.max(...order.map((key, i) => (key.startsWith('A-') ? i : 0)));
    expect(order.indexOf('ANN-0024')).toBeGreaterThan(lastOther);
    expectAllDelivered(125);
  });
});
