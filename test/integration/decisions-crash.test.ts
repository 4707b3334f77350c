import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import { reject } from '../../src/schedule/verbs/decisions.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, row, rows } from './support/e2e-rows.ts';
import { openWorld, type World } from './support/e2e-world.ts';

const WHY = ['--reason', 'we know', '--by', 'ann'];

describe('a decision whose process dies right after it was written down', () => {
  let world: World;
  beforeEach(async () => {
    world = await openWorld();
    world.job('feed');
  });
  afterEach(() => world.close());
  const keysSent = (): string[] => world.requests().map(({ body }) => body.data.partner_conversion_id ?? '');
  const last = (name: string): string[] => {
    const names = world.files('results').filter((each) => each.startsWith(name));
    return fates(readResults(world.read(`results/${names.at(-1)}`)));
  };
  const dies = async (args: readonly string[]): Promise<void> => {
    const { signal } = await world.cli([...args, ...WHY], { REFERRY_CRASH_AT: 'decision-planned' });
    expect(signal).toBe('SIGKILL');
  };

  it('resolve: the picked row is sent by the next run, once', async () => {
    const a = row('K-A');
    world.drop('a.csv', csv([a, { ...a, amount: '1.00' }]));
    await world.run('feed');
    await dies(['resolve', 'K-A', '--line', '3']);
    expect(keysSent()).toEqual([]);
    expect((await world.run('feed')).run).toMatchObject({ carriedIn: 1, delivered: 1, balanced: true });
    await world.run('feed');
    expect(world.requests().map(({ body }) => body.data.cart_value)).toEqual(['1.00']);
    expect(last('a.csv')).toEqual(['2 conflict CONFLICT_IN_FILE', '3 delivered']);
    const { stdout } = await world.cli(['status']);
    expect(stdout).not.toMatch(/[1-9]\d* .*conflict/);
  });

  it('reject: the next run writes the results anew, and sends nothing', async () => {
    world.extole.setFaults(() => 'timeout-pre');
    world.drop('a.csv', csv(rows('A', 1)));
    await world.run('feed');
    world.extole.setFaults(undefined);
    await dies(['reject', 'a.csv']);
    expect((await world.run('feed')).run).toMatchObject({ carriedIn: 1, rejected: 1, balanced: true });
    expect(last('a.csv')).toEqual(['2 rejected OPERATOR_REJECTED']);
    expect(keysSent()).toHaveLength(1);
  });

  it('reprocess: the next run judges the file anew, once', async () => {
    world.job('feed', { event: { data: { email: 'mail' } } });
    world.drop('a.csv', csv(rows('A', 2)));
    await world.run('feed');
    world.job('feed');
    await dies(['reprocess', 'a.csv']);
    expect((await world.run('feed')).run).toMatchObject({ delivered: 2, balanced: true });
    await world.run('feed');
    expect(keysSent()).toEqual(['A-0001', 'A-0002']);
    expect(last('a.csv')).toEqual(['2 delivered', '3 delivered']);
    expect([world.files('refused'), world.files('archive')]).toMatchObject([[], [expect.stringMatching(/^a\.csv\./)]]);
  });

  it('a number that is no longer true changes nothing', async () => {
    world.extole.setFaults(() => 'timeout-pre');
    world.drop('a.csv', csv(rows('A', 2)));
    await world.run('feed');
    const io = { ...realIo(createLog('silent')), env: { ...process.env, ...world.env } };
    const ledger = await openLedger(world.ledger, 'command', io);
    const { signal } = new AbortController();
    const request = { verb: 'reject', job: 'feed', reason: 'x', by: 'ann', host: 'here', expect: 3 } as const;
    const options = { ledger, io, signal, jobs: world.jobs, state: world.state, cause: 'command' } as const;
    await expect(reject.execute(request, options)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE' });
    expect(ledger.db.prepare("SELECT count(*) AS n FROM deliveries WHERE state = 'held'").get()).toEqual({ n: 2 });
    expect(ledger.db.prepare('SELECT count(*) AS n FROM decisions').get()).toEqual({ n: 0 });
    await ledger.close();
  });
});
