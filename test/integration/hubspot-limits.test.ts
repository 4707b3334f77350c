import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, hubspot, kinds, people, person, signal, standIn } from './hubspot-setup.ts';

afterEach(closeAll);

describe('the limits of HubSpot', () => {
  test('many calls at once leave at the pace of the limit, and none is refused', async () => {
    const server = await standIn({ limits: { requests: 40, windowMs: 1500 } });
    const sender = hubspot(server, { requestsPer10Seconds: 266 });
    const batches = Array.from({ length: 30 }, (_, n) => [person(n)]);
    const answers = await Promise.all(batches.map((batch) => sender.send(batch, signal)));
    expect(new Set(answers.flatMap(kinds))).toEqual(new Set(['accepted']));
    expect(server.received).toHaveLength(60);
    expect(server.received.map(({ status }) => status)).not.toContain(429);
  });

  test('a limit lower than the setting is learnt from the first answer', async () => {
    const server = await standIn({ limits: { requests: 10, windowMs: 500 } });
    const sender = hubspot(server, { requestsPer10Seconds: 10_000 });
    for (let n = 0; n < 6; n += 1) expect(kinds(await sender.send([person(n)], signal))).toEqual(['accepted']);
    expect(server.received.map(({ status }) => status)).not.toContain(429);
    const [, second = '', ...later] = server.received.map(({ at }) => at);
    // Evenly from then on, not ten at once and a long rest: four calls are at least four tenths of the window apart.
    expect(Date.parse(later[3] ?? '') - Date.parse(second)).toBeGreaterThan(150);
  });

  test('the daily limit is not run into: we stop before, and go on after midnight in the account’s zone', async () => {
    const server = await standIn({ limits: { dailyLeft: 7 } });
    let now = Date.parse('2026-11-20T23:30:00-05:00');
    const sender = hubspot(server, { timezone: 'America/New_York', dailyReserve: 5 }, { now: () => now });
    expect(kinds(await sender.send([person(1)], signal))).toEqual(['accepted']);
    expect(server.received).toHaveLength(2);
    const stopped = { kind: 'halted', code: 'DAILY_LIMIT', reason: expect.stringContaining('America/New_York') };
    expect(await sender.send(people(2), signal)).toMatchObject([stopped, stopped]);
    now += 29 * 60_000;
    expect(await sender.send([person(2)], signal)).toMatchObject([stopped]);
    expect(server.received).toHaveLength(2);
    now += 2 * 60_000;
    server.limits.dailyLeft = 1000;
    expect(kinds(await sender.send([person(2)], signal))).toEqual(['accepted']);
  });

  test('a daily limit that others used up halts after one refusal', async () => {
    const server = await standIn({ limits: { dailyLeft: 0 } });
    const sender = hubspot(server);
    expect(await sender.send(people(2), signal)).toMatchObject([{ code: 'DAILY_LIMIT' }, { code: 'DAILY_LIMIT' }]);
    expect(await sender.send([person(1)], signal)).toMatchObject([{ kind: 'halted', code: 'DAILY_LIMIT' }]);
    expect(server.received.map(({ status }) => status)).toEqual([429]);
  });
});
