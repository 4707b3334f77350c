import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../src/sandbox/extole/faults.ts';
import { readResults } from '../integration/support/e2e-results.ts';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';

describe('what is told of an answer that was bad', { timeout: 60_000 }, () => {
  let world: World;
  afterEach(() => world.close());
  const requestsOf = (key: string): ReturnType<World['requests']> =>
    world.requests().filter(({ body }) => body.data.partner_conversion_id === key);
  const reports = (ending: string): string =>
    world
      .files('reports')
      .filter((name) => name.endsWith(ending))
      .map((name) => world.read(`reports/${name}`).toString())
      .join('\n');

  it('H04: a 500 after the event was taken: sent again under the same key, and all of it is told: two tries, one unclear', async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT });
    expect((await world.cli(['verify-dedupe', 'feed', '--settle', '20ms'])).code).toBe(0);
    world.extole.setFaults(({ body }) =>
      body.includes('"A-0003"') && requestsOf('A-0003').length === 0 ? '500post' : undefined,
    );
    world.drop('a.csv', csv(rows('A', 6)));
    const { code, run, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    const [first, second] = requestsOf('A-0003');
    expect(requestsOf('A-0003')).toHaveLength(2);
    expect(first).toMatchObject({ status: 500, accepted: true, duplicate: false });
    expect(second).toMatchObject({ status: 200, accepted: true, duplicate: true });
    expect(second?.requestId).not.toBe(first?.requestId);

    // One row delivered, after two tries, by the id of the answer that was a yes.
    const line = readResults(world.read('results/a.csv.results.csv')).find(({ input }) => input.startsWith('A-0003'));
    expect(line).toMatchObject({ line: 4, outcome: 'delivered', attempts: 2, eventId: second?.eventId });
    const told = '1 delivered row had left before without a clear answer';
    expect(run.notices).toEqual([]);
    for (const ending of ['.html', '.csv', '.json']) {
      expect(reports(ending), ending).toContain(told);
      expect(reports(ending), ending).toContain('line 4 (2 tries, 1 unclear)');
    }
    const { stdout } = await world.cli(['explain', 'A-0003']);
    expect(stdout).toContain('2 tries, 1 without a clear answer');
    expect(stdout).toMatch(/attempt 1 .*may or may not have been accepted \(HTTP 500/);
    expect(stdout).toMatch(/attempt 2 .*: accepted/);
    expect((await world.cli(['explain', 'A-0004'])).stdout).not.toContain('unclear');
  });

  it('H06: an event that is taken after we gave up arrives as a duplicate, and its id does not take the place of the first', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { unknown: 'resend', timeout: { headers: '500ms', total: '700ms' } } });
    const zombie: Fault = { kind: 'hang', accept: true, afterMs: 4000 };
    let played = 0;
    world.extole.setFaults(({ body }) => (body.includes('"A-0002"') && played++ === 0 ? zombie : undefined));
    world.drop('a.csv', csv(rows('A', 4)));
    const { code, stderr } = await world.run('feed');
    expect(code, stderr).toBe(0);
    const before = world.read('results/a.csv.results.csv');
    await expect.poll(() => requestsOf('A-0002').length, { timeout: 20_000 }).toBe(2);
    // The log is in the order of what was taken: the second try first.
    const [taken, late] = requestsOf('A-0002');
    expect(taken).toMatchObject({ accepted: true, duplicate: false, status: 200 });
    expect(late).toMatchObject({ accepted: true, duplicate: true, status: 0 });
    const line = readResults(before).find(({ input }) => input.startsWith('A-0002'));
    expect(line).toMatchObject({ outcome: 'delivered', attempts: 2, eventId: taken?.eventId });
    world.drop('b.csv', csv(rows('A', 4).slice(0, 2)));
    expect((await world.run('feed')).run).toMatchObject({ duplicate: 2, delivered: 0 });
    const again = readResults(world.read('results/b.csv.results.csv')).find(({ input }) => input.startsWith('A-0002'));
    expect(again).toMatchObject({ outcome: 'duplicate', eventId: taken?.eventId });
    expect(world.read('results/a.csv.results.csv').equals(before)).toBe(true);
    expect(world.extole.stats()).toMatchObject({ distinctKeys: 4, duplicates: 1 });
  });

  const DOCUMENTED = [
    'missing_request_body',
    'invalid_json',
    'binding_error',
    'missing_event_name',
    'invalid_event_time_format',
    'invalid_parameter',
    'validation_error',
    'event_blocked',
  ];

  it("H10, H19: each refusal keeps Extole's code and reference and stops nobody; what it repeats of the row or forges is told nowhere", async () => {
    world = await openWorld();
    world.job('feed', { delivery: PATIENT });
    const canary = row('A-0009', { email: 'canary.person@private.example', member: 'CANARY-MEMBER' });
    const message = `no: ${canary.email}, ${canary.member}\r\n2026-11-20 ERROR forged line\u001b[2J\u0000\u202Eevil +1 (555) 010-9999`;
    world.extole.setFaults(({ body }) => {
      const n = Number(/"A-000(\d)"/.exec(body)?.[1] ?? 0);
      if (n >= 1 && n <= DOCUMENTED.length) return { kind: 'status', status: 400, code: DOCUMENTED[n - 1] ?? '' };
      return n === 9 ? { kind: 'status', status: 400, code: 'event_blocked', message } : undefined;
    });
    world.drop('a.csv', csv([...rows('A', 8), canary, ...rows('B', 3)]));
    const { code, run, stdout, stderr } = await world.run('feed', { REFERRY_LOG_LEVEL: 'debug' });
    expect(code, stderr).toBe(0);
    expect(run).toMatchObject({ rejected: 9, delivered: 3, failed: 0, held: 0, halted: null, balanced: true });
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(lines.slice(0, 8).map((each) => each.code)).toEqual(DOCUMENTED);
    for (const { input, attempts } of lines.slice(0, 8)) {
      expect(attempts).toBe(1);
      expect(requestsOf(input.split(',')[0] ?? '')).toHaveLength(1);
    }
    const explained = await world.cli(['explain', 'A-0008']);
    expect(explained.stdout).toMatch(/Extole's reference\s+0000/);

    const reason = lines[8]?.reason ?? '';
    expect(reason).toContain('forged line');
    expect(reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    const explainedCanary = await world.cli(['explain', 'A-0009']);
    const ledger = ['', '-wal'].map((end) => world.ledger + end).filter(existsSync);
    const places = {
      reason,
      told: stdout + stderr + explainedCanary.stdout,
      reports: reports('.html') + reports('.csv') + reports('.json'),
      ledger: Buffer.concat(ledger.map((path) => readFileSync(path))).toString('latin1'),
    };
    for (const [place, text] of Object.entries(places)) {
      for (const secret of ['canary.person', 'CANARY-MEMBER', '010-9999'])
        expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
      for (const forging of place === 'ledger' ? [] : ['\u001b', '\u202E', '\u0000'])
        expect(text.includes(forging), `${JSON.stringify(forging)} in ${place}`).toBe(false);
    }
    expect(explainedCanary.stdout.split('\n').filter((each) => each.startsWith('2026-11-20 ERROR'))).toEqual([]);
  });
});
