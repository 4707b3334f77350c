import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Fault, FaultName } from '../../src/sandbox/extole/faults.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';
import { fromFile } from './support/usual-job.ts';

describe('a destination that cannot be used', () => {
  let world: World;
  afterEach(() => world.close());

  it('H08, H12, H13: stops the run with 4; its rows stay open, nothing is archived, no other host gets a token, and a later run finishes exactly', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv(rows('A', 200)));
    let asked = 0;
    const elsewhere = createServer((_, res) => {
      asked++;
      res.end('{"event_id":"1"}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const address = elsewhere.address();
    const location = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/v6/async-events`;
    const redirect = (status: number): Fault => ({ kind: 'status', status, body: '', headers: { location } });
    const stops: [Fault | FaultName, string][] = [
      ['204', 'MISROUTED'],
      [redirect(302), 'MISROUTED'],
      [redirect(308), 'MISROUTED'],
      ['402', 'PAYMENT_REQUIRED'],
      ['403', 'FORBIDDEN'],
      ['404', 'MISROUTED'],
      ['405', 'MISROUTED'],
      ['415', 'UNSUPPORTED_MEDIA_TYPE'],
    ];
    for (const [i, [fault, halted]] of stops.entries()) {
      let n = 0;
      world.extole.setFaults(() => (++n === 3 ? fault : undefined));
      const { code, run, stdout } = await world.run('feed');
      expect(code, stdout).toBe(4);
      expect(run.halted?.code).toBe(halted);
      expect(run).toMatchObject({ rejected: 0, failed: 0, held: 0, balanced: true, seen: { open: 1, processed: 0 } });
      expect(run.files[0]).toMatchObject({ path: 'a.csv', state: 'open', resultsPath: null, archivedAs: null });
      expect(run.files[0]?.open).toBe(200 - (run.files[0]?.delivered ?? 0));
      expect(world.files('results')).toEqual([]);
      expect(world.files('archive')).toEqual([]);
      // A file that waits its turn is not taken while the destination is stopped.
      if (i === 0) world.drop('b.csv', csv(rows('B', 3)), 1);
    }
    expect(world.files('inbox')).toEqual(['b.csv']);
    elsewhere.close();
    expect(asked).toBe(0);
    world.extole.setFaults(undefined);
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run.files.map(({ path, state }) => `${path} ${state}`)).toEqual(['a.csv processed', 'b.csv processed']);
    const lines = readResults(world.read('results/a.csv.results.csv'));
    expect(fates(lines)).toEqual(rows('A', 200).map((_, i) => `${i + 2} delivered`));
    const accepted = world
      .requests()
      .filter((each) => each.accepted)
      .map(({ body }) => body.data.partner_conversion_id);
    expect(accepted).toHaveLength(203);
    expect(new Set(accepted).size).toBe(203);
  });

  it('H11: a token that is rotated under the run is read again once; one that is not stops it, and no row is rejected', async () => {
    world = await openWorld({ tokens: ['first-token'] });
    const secret = join(world.root, 'token');
    const put = (token: string): void => writeFileSync(secret, `${token}\n`, { mode: 0o600 });
    put('first-token');
    world.job('feed', { destination: { extole: { token: fromFile(secret) } } });

    world.drop('a.csv', csv(rows('A', 100)));
    world.extole.setFaults(({ seq }) => {
      if (seq === 50) {
        put('second-token');
        world.extole.setTokens(['second-token']);
      }
      return undefined;
    });
    const rotated = await world.run('feed');
    expect(rotated.code, rotated.stderr).toBe(0);
    expect(rotated.run).toMatchObject({ delivered: 100, rejected: 0, halted: null });
    expect(world.requests().some(({ status }) => status === 401)).toBe(true);

    world.drop('b.csv', csv(rows('B', 100)));
    const before = world.requests().length;
    world.extole.setFaults(({ seq }) => {
      if (seq === before + 50) world.extole.setTokens(['third-token']);
      return undefined;
    });
    const stopped = await world.run('feed');
    expect(stopped.code).toBe(4);
    expect(stopped.run.halted?.code).toBe('UNAUTHORIZED');
    expect(stopped.run).toMatchObject({ delivered: 49, rejected: 0, failed: 0, open: 51 });
    expect(stopped.stderr + stopped.stdout).not.toMatch(/(first|second|third)-token/);

    put('third-token');
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run).toMatchObject({ carriedIn: 51, delivered: 51, balanced: true });
    expect(run.files[0]).toMatchObject({ read: 100, delivered: 100 });
    const accepted = world.requests().filter((each) => each.accepted);
    expect(accepted).toHaveLength(200);
  });

  it('N-down: a destination that is not there stops the run after a while; every row waits, and nothing was tried in vain', async () => {
    world = await openWorld();
    world.job('feed', {
      destination: { extole: { apiUrl: 'http://127.0.0.1:9', eventsUrl: 'http://127.0.0.1:9' } },
      delivery: { outageAfter: '300ms' },
    });
    world.drop('a.csv', csv(rows('A', 30)));
    const { code, run } = await world.run('feed');
    expect(code).toBe(4);
    expect(run.halted?.code).toBe('DESTINATION_DOWN');
    expect(run).toMatchObject({ open: 30, failed: 0, held: 0, rejected: 0, balanced: true });
    world.job('feed');
    const { run: later } = await world.run('feed');
    expect(later).toMatchObject({ carriedIn: 30, delivered: 30, balanced: true });
  });

  it('failed rows: retried by the next run before new files, with results of their own; rows of the person wait behind them', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAttempts: 2 } });
    const person = { email: 'ann@private.example', member: 'M-ANN' };
    const first = rows('A', 10);
    first[2] = row('A-0003', person);
    first[6] = row('A-0007', person);
    world.extole.setFaults(({ body }) => (body.includes('"A-0003"') ? { kind: 'status', status: 408 } : undefined));
    world.drop('a.csv', csv([...first, ...first.slice(2, 3)]), 100);
    world.drop('b.csv', csv([row('B-0001', person), row('B-0002')]), 50);
    const failed = await world.run('feed');
    expect(failed.code).toBe(3);
    expect(failed.run).toMatchObject({ failed: 4, delivered: 9, balanced: true, halted: null });
    const before = world.read('results/a.csv.results.csv');
    expect(fates(readResults(before)).filter((fate) => fate.includes('failed'))).toEqual([
      '4 failed HTTP_408',
      '8 failed WAITS_FOR_EARLIER',
      '12 failed HTTP_408',
    ]);
    // Also a row of a later file waits behind it.
    expect(fates(readResults(world.read('results/b.csv.results.csv')))).toEqual([
      '2 failed WAITS_FOR_EARLIER',
      '3 delivered',
    ]);

    world.extole.setFaults(undefined);
    world.drop('c.csv', csv([row('C-0001', person)]));
    const { code, run, stdout } = await world.run('feed');
    expect(code, stdout).toBe(0);
    expect(run).toMatchObject({ carriedIn: 4, read: 1, delivered: 4, duplicate: 1, failed: 0, balanced: true });
    expect(world.read('results/a.csv.results.csv').equals(before)).toBe(true);
    const revised = readResults(world.read('results/a.csv.results.r2.csv'));
    expect(fates(revised)).toEqual([...first.map((_, i) => `${i + 2} delivered`), '12 duplicate DUPLICATE_IN_FILE']);
    const order = world
      .requests()
      .map(({ body }) => body.data)
      .filter(({ partner_user_id: id }) => id === 'M-ANN');
    expect([...new Set(order.map((data) => data.partner_conversion_id))]).toEqual([
      'A-0003',
      'A-0007',
      'B-0001',
      'C-0001',
    ]);
  });

  it('a process that dies while it publishes the retried rows: the next one publishes them', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAttempts: 1 } });
    world.drop('a.csv', csv(rows('A', 5)));
    world.extole.setFaults(({ body }) => (body.includes('"A-0002"') ? { kind: 'status', status: 425 } : undefined));
    expect((await world.run('feed')).code).toBe(3);
    world.extole.setFaults(undefined);
    for (const point of ['committed:2', 'publication-planned:1', 'published:1']) {
      const { signal } = await world.cli(['retry', 'feed', '--json'], { REFERRY_CRASH_AT: point });
      expect(signal, point).toBe('SIGKILL');
    }
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run.files).toMatchObject([{ path: 'a.csv', delivered: 5, failed: 0 }]);
    expect(fates(readResults(world.read('results/a.csv.results.r2.csv')))).toEqual(
      rows('A', 5).map((_, i) => `${i + 2} delivered`),
    );
    expect(world.files('results')).toEqual(['a.csv.results.csv', 'a.csv.results.r2.csv']);
  });

  it('S-staging: a staging folder that is gone is filled again from where the input lies, if that is still the same', async () => {
    world = await openWorld();
    world.job('feed', { delivery: { maxAttempts: 1 } });
    const staging = join(world.state, 'staging');
    world.drop('a.csv', csv(rows('A', 60)), 90);
    let n = 0;
    world.extole.setFaults(() => (++n === 20 ? '403' : undefined));
    expect((await world.run('feed')).code).toBe(4);
    rmSync(staging, { recursive: true });
    // One row fails in the second run, so that its file is closed and not done with.
    world.extole.setFaults(({ body }) => (body.includes('"A-0050"') ? { kind: 'status', status: 408 } : undefined));
    const second = await world.run('feed');
    expect(second.run, second.stdout).toMatchObject({ failed: 1, open: 0, balanced: true });
    rmSync(staging, { recursive: true });
    const archived = join(world.served, 'archive', world.files('archive')[0] ?? '');
    const bytes = readFileSync(archived);
    writeFileSync(archived, 'something else');
    const lost = await world.run('feed');
    expect(lost.code).toBe(4);
    expect(lost.run.notices.map(({ code }) => code)).toEqual(['STAGED_FILE_LOST']);
    writeFileSync(archived, bytes);
    world.extole.setFaults(undefined);
    const { code, run } = await world.run('feed');
    expect(code).toBe(0);
    expect(run).toMatchObject({ carriedIn: 1, delivered: 1, balanced: true });
    const keys = world
      .requests()
      .filter((each) => each.accepted)
      .map(({ body }) => body.data.partner_conversion_id);
    expect(keys).toHaveLength(60);
    expect(new Set(keys).size).toBe(60);
  });

  it('rows that fail for too long are held, held ones expire, and an expired key is free again', async () => {
    world = await openWorld();
    const delivery = { maxAttempts: 1 };
    world.job('feed', { delivery });
    world.drop('a.csv', csv(rows('A', 4)), 90);
    world.extole.setFaults(({ body }) => (body.includes('"A-0002"') ? { kind: 'status', status: 408 } : undefined));
    expect((await world.run('feed')).run).toMatchObject({ failed: 1, delivered: 3 });

    world.job('feed', { delivery, failed: { maxAge: '0s' } });
    const held = await world.run('feed');
    expect(held.code).toBe(3);
    expect(held.run).toMatchObject({ carriedIn: 1, held: 1, failed: 0, balanced: true });
    expect(fates(readResults(world.read('results/a.csv.results.r2.csv')))[1]).toBe('3 held HTTP_408');
    // While it is held, its key is taken.
    world.drop('b.csv', csv([row('A-0002', { amount: '1.00' })]));
    expect((await world.run('feed')).run).toMatchObject({ conflict: 1, delivered: 0 });

    world.extole.setFaults(undefined);
    world.job('feed', { delivery, failed: { maxAge: '0s' }, held: { maxAge: '0s' } });
    world.drop('c.csv', csv([row('A-0002', { amount: '2.00' })]));
    const expired = await world.run('feed');
    expect(expired.run, expired.stdout).toMatchObject({ delivered: 1, balanced: true });
    expect(fates(readResults(world.read('results/a.csv.results.r3.csv')))[1]).toBe('3 rejected EXPIRED');
    expect(fates(readResults(world.read('results/c.csv.results.csv')))).toEqual(['2 delivered']);
    expect(
      world
        .requests()
        .map(({ body }) => body.data.cart_value)
        .at(-1),
    ).toBe('2.00');
  });

  it('a file that is held as a whole for too long expires: its rows are rejected, none is sent', async () => {
    world = await openWorld();
    world.job('feed');
    world.drop('a.csv', csv([row('A-0001'), row('', {}), row('', { email: 'x@private.example' })]), 90);
    const held = await world.run('feed');
    expect(held.code).toBe(3);
    expect(held.run).toMatchObject({ read: 3, rejected: 2, held: 1, balanced: true, seen: { held: 1 } });

    world.job('feed', { held: { maxAge: '0s' } });
    const expired = await world.run('feed');
    expect(expired.run).toMatchObject({ carriedIn: 1, rejected: 1, held: 0, balanced: true, seen: { processed: 1 } });
    expect(fates(readResults(world.read('results/a.csv.results.r2.csv')))[0]).toBe('2 rejected EXPIRED');
    expect(world.requests()).toHaveLength(0);
  });
});
