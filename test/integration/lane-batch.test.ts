import Database from 'better-sqlite3';
import { afterEach, describe, expect, it } from 'vitest';
import { fates } from './support/e2e-results.ts';
import { csv, dataOf, rows } from './support/e2e-rows.ts';
import { type LaneOptions, type LaneWorld, openLaneWorld } from './support/lane-world.ts';

let lane: LaneWorld;

const open = async (options: Omit<LaneOptions, 'lane'> = {}): Promise<void> => {
  lane = await openLaneWorld({ lane: 'batch', ...options });
};

afterEach(async () => {
  await lane.world.close();
});

const heldAs = (code: string): string[] => [2, 3, 4].map((line) => `${line} held ${code}`);

describe('the lane batch', () => {
  it('sends a file, makes a batch job of it, and takes equal counts as proof', async () => {
    await open();
    const list = rows('A', 3);
    lane.world.drop('a.csv', csv(list));
    const { code, run } = await lane.world.run('feed');
    expect(code).toBe(0);
    expect(run).toMatchObject({ lane: 'batch', delivered: 3, open: 0, balanced: true });
    expect(lane.results().map(({ eventId }) => eventId)).toEqual(Array(3).fill(expect.stringMatching(/^batch:\S+$/)));
    expect(lane.world.taken().map(({ body }) => body.data)).toEqual(list.map(dataOf));
  });

  it.each(['FAILED', 'CANCELED', 'EXPIRED'] as const)('a batch job that ends as %s holds its rows', async (end) => {
    await open({ extole: { batches: { walk: ['PENDING', end], errorMessage: 'Out of memory.' } } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    const { code } = await lane.world.run('feed');
    expect(code).toBe(3);
    expect(fates(lane.results())).toEqual(heldAs('BATCH_FAILED'));
    expect(lane.results()[0]?.reason).toMatch(new RegExp(`ended as ${end}`));
  });

  it.each([
    ['one row fewer', { success: 2, failed: 0 }, /3 rows were sent, Extole counts 2 accepted and 0 failed/],
    ['a failed row', { success: 2, failed: 1 }, /counts 2 accepted and 1 failed/],
    ['no counts', null, /counts no number of accepted/],
  ])('a batch job that is done with %s holds every row, with the numbers', async (_, counts, told) => {
    await open({ extole: { batches: { counts: () => counts } } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(heldAs('BATCH_MISMATCH'));
    expect(lane.results()[0]?.reason).toMatch(told);
  });

  it('a locked batch job is waited for, whatever the status beside the code', async () => {
    await open({ extole: { batches: { lockedLooks: 3, lockedStatus: 400 } } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    const { run } = await lane.world.run('feed');
    expect(run).toMatchObject({ delivered: 3, halted: null });
  });

  it('a batch job that comes to no end is held as NO_PROOF, and its end still counts when it comes', async () => {
    const walk = [...Array<'PENDING'>(5).fill('PENDING'), 'DONE' as const];
    await open({ extole: { batches: { walk } }, upload: { proofTimeout: '150ms' } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(heldAs('NO_PROOF'));
    expect(lane.results()[0]?.reason).toMatch(/it is PENDING; look at it in My Extole/);
    for (let run = 0; run < 8 && lane.world.files('results').length < 2; run++) await lane.world.run('feed');
    expect(fates(lane.results('a.csv.results.r2.csv'))).toEqual(['2 delivered', '3 delivered', '4 delivered']);
    expect(lane.world.taken()).toHaveLength(3);
  });

  it.each(['resetpost', '429'] as const)(
    'an upload that ends in %s is looked for by its name, and sent once',
    async (fault) => {
      await open();
      lane.world.extole.fail(fault);
      lane.world.drop('a.csv', csv(rows('A', 3)));
      const first = await lane.world.run('feed');
      expect(first.run).toMatchObject({ open: 3, halted: null });
      const { run } = await lane.world.run('feed');
      expect(run).toMatchObject({ carriedIn: 3, delivered: 3 });
      expect(lane.world.taken()).toHaveLength(3);
    },
  );

  it('a batch job whose making got no clear answer is found again by its name, and made once', async () => {
    await open();
    lane.world.extole.fail({ kind: 'slow', ms: 1 }, '500post');
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 delivered', '3 delivered', '4 delivered']);
    expect(lane.world.taken()).toHaveLength(3);
  });

  it('a batch job whose making got no answer, and that is not listed, is not made twice: its rows are held', async () => {
    await open();
    lane.world.extole.fail({ kind: 'slow', ms: 1 }, 'resetpre');
    lane.world.drop('a.csv', csv(rows('A', 3)));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(heldAs('UNKNOWN_DELIVERY'));
    expect(lane.world.taken()).toEqual([]);
  });

  it('a daemon tells of a batch job whose end a process that died had noted, and not acted on', async () => {
    await open({ upload: { wait: '0s', poll: '100ms' }, extole: { batches: { walk: ['PENDING', 'DONE'] } } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    expect((await lane.world.run('feed')).run).toMatchObject({ open: 3 });
    // As it is after the batch job was found by its name, at its end.
    const ledger = new Database(lane.world.ledger);
    ledger.exec("UPDATE uploads SET status = 'DONE'");
    ledger.close();
    // The job has no schedule: nothing but the answer makes the daemon do anything.
    const daemon = lane.world.start(['daemon']);
    try {
      await expect.poll(() => lane.world.files('results'), { timeout: 15_000 }).toEqual(['a.csv.results.csv']);
    } finally {
      daemon.kill('SIGTERM');
      await daemon.done;
    }
    expect(fates(lane.results())).toEqual(['2 delivered', '3 delivered', '4 delivered']);
  });

  it('without an answer the file stays open, and a token that is refused halts the lane', async () => {
    await open({ upload: { wait: '0s' }, extole: { batches: { walk: ['PENDING', 'DONE'] } } });
    lane.world.drop('a.csv', csv(rows('A', 3)));
    const refused = await lane.world.run('feed', { EXTOLE_TOKEN: 'not-the-token' });
    expect(refused.code).toBe(4);
    expect(refused.run.halted).toMatchObject({ code: 'UNAUTHORIZED' });
    const first = await lane.world.run('feed');
    expect(first.run).toMatchObject({ open: 3, halted: null });
    expect(first.code).toBe(0);
    const last = await lane.world.run('feed');
    expect(last.run).toMatchObject({ carriedIn: 3, delivered: 3 });
  });

  it.each([404, 405, 421])(
    'H13: a path or a host that does not have the API (%d, with a code) halts the lane at the file and at the batch job',
    async (status) => {
      await open();
      lane.world.drop('a.csv', csv(rows('A', 3)));
      for (const before of [[], [{ kind: 'slow', ms: 1 } as const]]) {
        lane.world.extole.fail(...before, { kind: 'status', status, code: 'route_unknown' });
        const { code, run } = await lane.world.run('feed');
        expect([code, run.open]).toEqual([4, 3]);
        expect(run.halted).toMatchObject({ code: 'MISROUTED' });
      }
      expect(lane.world.files('results')).toEqual([]);
      expect((await lane.world.run('feed')).run).toMatchObject({ delivered: 3, halted: null });
      expect(lane.world.taken()).toHaveLength(3);
    },
  );

  it('a look by name that is refused does not say that nothing is there: no second batch job is made', async () => {
    await open();
    lane.world.drop('a.csv', csv(rows('A', 3)));
    const refused = { kind: 'status', status: 400, code: 'invalid_parameter' } as const;
    lane.world.extole.fail({ kind: 'slow', ms: 1 }, '500post');
    lane.world.extole.failLooks(...Array<typeof refused>(8).fill(refused));
    await lane.world.run('feed');
    expect(fates(lane.results())).toEqual(['2 delivered', '3 delivered', '4 delivered']);
    expect(lane.world.taken()).toHaveLength(3);
  });
});
