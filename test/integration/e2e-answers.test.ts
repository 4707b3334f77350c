import { afterEach, describe, expect, it } from 'vitest';
import type { Fault, FaultName } from '../../src/sandbox/extole/faults.ts';
import { startToxics } from '../faults/support/toxics.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';

/** Answers from which nobody can tell whether the event was taken, each in both kinds. */
const UNCLEAR: readonly FaultName[] = [
  '500pre',
  '500post',
  'resetpre',
  'resetpost',
  'cut-headers',
  'cut-body',
  'badjson-pre',
  'badjson-post',
  'truncated-json',
  'html-pre',
  'html-post',
  'empty-body',
  'empty-object',
  'null-id',
  'timeout-pre',
  'timeout-post',
  'slow-headers',
  'endless-body',
  'flood-body',
];

/** Answers that are clear, although they look odd. */
const CLEAR: readonly (readonly [Fault | FaultName, string])[] = [
  ['numeric-id', 'delivered'],
  ['error-header', 'rejected EXTOLE_ERROR_MESSAGE'],
  [{ kind: 'status', status: 400, code: 'event_blocked' }, 'rejected event_blocked'],
  [{ kind: 'status', status: 400, code: 'invalid_parameter' }, 'rejected invalid_parameter'],
  ['413', 'rejected HTTP_413'],
  ['431', 'rejected HTTP_431'],
];

/** Some of the answers never come; the others must, however busy the machine is. */
const LONG_ENOUGH = { timeout: { headers: '2s', total: '3s' }, outageAfter: '2m' };

const FAULTY = UNCLEAR.length + CLEAR.length;

/** Each of the first rows gets its own bad answer, the first time it is sent; others and second tries are answered well. */
function faultsByRow(world: World): void {
  const told = new Set<string>();
  world.extole.setFaults(({ body }) => {
    const key = /"partner_conversion_id":"A-(\d+)"/.exec(body)?.[1] ?? '0';
    if (told.has(key)) return undefined;
    told.add(key);
    return [...UNCLEAR, ...CLEAR.map(([fault]) => fault)][Number(key) - 1];
  });
}

describe('what Extole answers, and what becomes of the row', () => {
  let world: World;
  afterEach(() => world.close());

  it('H05, H07, H09, H14, H15, H18: unclear answers are asked again where known keys are dropped; clear ones are taken at their word', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAmbiguous: 50, ...LONG_ENOUGH } });
    expect((await world.cli(['verify-dedupe', 'feed', '--settle', '20ms'])).code).toBe(0);
    faultsByRow(world);
    world.drop('a.csv', csv(rows('A', FAULTY + 10)));
    const { code, run, stderr } = await world.run('feed');
    const lines = readResults(world.read('results/a.csv.results.csv'));

    expect(fates(lines)).toEqual([
      ...UNCLEAR.map((_, i) => `${i + 2} delivered`),
      ...CLEAR.map(([, fate], i) => `${i + 2 + UNCLEAR.length} ${fate}`),
      ...rows('A', 10).map((_, i) => `${i + 2 + FAULTY} delivered`),
    ]);
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: FAULTY + 10 - 5, rejected: 5, open: 0, balanced: true });
    // Delivered names the answer that was a yes, not the one that nobody could read.
    const requests = world.requests();
    for (const { line, outcome, eventId, attempts } of lines) {
      const its = requests.filter(
        ({ body }) => body.data.partner_conversion_id === `A-${String(line - 1).padStart(4, '0')}`,
      );
      expect(its).toHaveLength(line - 1 <= UNCLEAR.length ? 2 : 1);
      expect(attempts).toBe(its.length);
      if (outcome === 'delivered') expect(its.at(-1)).toMatchObject({ accepted: true, eventId, status: 200 });
    }
    const ids = requests.map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('H05: where nothing is verified, unclear answers hold the row, which is never sent a second time', async () => {
    world = await openWorld();
    world.job('feed', { delivery: LONG_ENOUGH });
    faultsByRow(world);
    world.drop('a.csv', csv(rows('A', FAULTY)));
    const { code, run } = await world.run('feed');
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(code).toBe(3);
    expect(run).toMatchObject({ held: UNCLEAR.length, rejected: 5, delivered: 1, balanced: true });
    expect(fates(lines).slice(0, UNCLEAR.length)).toEqual(UNCLEAR.map((_, i) => `${i + 2} held UNKNOWN_DELIVERY`));
    expect(lines[0]?.reason).toContain('verify-dedupe');
    expect(world.requests()).toHaveLength(FAULTY);

    // Nor does another file with the same rows, or a later run, send them.
    world.drop('b.csv', csv([...rows('A', FAULTY), ...rows('B', 1)]));
    const again = await world.run('feed');
    expect(again.run).toMatchObject({ duplicate: UNCLEAR.length + 1 });
    const sent = world
      .requests()
      .slice(FAULTY)
      .map(({ body }) => body.data.partner_conversion_id);
    // What Extole refused owns nothing: those keys are tried anew.
    expect(sent.filter((key) => key !== 'B-0001')).toHaveLength(5);
  });

  it('H01, H03: 429 and server errors in a row slow the destination down; no row is lost to them', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { unknown: 'resend', maxAmbiguous: 50 } });
    let n = 0;
    world.extole.setFaults(() => {
      n++;
      return n <= 30 ? '429' : n > 60 && n <= 160 ? '500pre' : undefined;
    });
    world.drop('a.csv', csv(rows('A', 120)));
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ delivered: 120, balanced: true });
    const requests = world.requests();
    expect(requests).toHaveLength(120 + 30 + 100);
    // After the first few, which were on the wire together, each 429 was answered before the next request left.
    const throttled = requests.filter(({ status }) => status === 429).map(({ requestId }) => requestId);
    expect(throttled).toHaveLength(30);
  });

  it('H16: a connection that dies between two requests costs at most an unclear answer, and no attempt arrives twice', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { unknown: 'resend', maxAmbiguous: 50, concurrency: { start: 1, max: 1 } } });
    world.extole.setFaults(({ seq }) => (seq % 3 === 0 ? 'close-idle' : undefined));
    world.drop('a.csv', csv(rows('A', 30)));
    const { code, run, stdout } = await world.run('feed');
    expect(code, stdout).toBe(0);
    expect(run.delivered).toBe(30);
    const ids = world.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('H16: a request that is written to a kept connection which nobody reads any more is an unclear answer, and asked again on a new one', async () => {
    world = await openWorld();
    const proxy = await startToxics(world.extole.port);
    const url = `http://127.0.0.1:${proxy.port}`;
    world.job('feed', {
      destination: { extole: { apiUrl: url, eventsUrl: url } },
      delivery: { ...PATIENT, unknown: 'resend', maxAmbiguous: 50, concurrency: { start: 1, max: 1 } },
    });
    let cuts = 0;
    world.extole.setFaults(() => {
      // This one was read whole and is answered; the first byte of the next one on this connection meets its end.
      if (world.requests().length % 3 === 2) {
        proxy.limit('up', 0, 'reset');
        cuts++;
      }
      return undefined;
    });
    world.drop('a.csv', csv(rows('A', 30)));
    const { code, run, stdout } = await world.run('feed');
    await proxy.close();
    expect(code, stdout).toBe(0);
    expect(run.delivered).toBe(30);
    const ids = world.requests().map(({ requestId }) => requestId);
    expect([ids.length, new Set(ids).size]).toEqual([30, 30]);
    const attempts = readResults(world.read('results/a.csv.results.csv')).map((line) => line.attempts);
    // The last cut meets no request.
    expect([cuts, attempts.reduce((sum, n) => sum + n, 0), proxy.accepted]).toEqual([10, 30 + 9, 10]);
  });
});
