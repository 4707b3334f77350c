import { describe, expect, it } from 'vitest';
import type { FaultName, FaultRequest } from '../../src/sandbox/extole/faults.ts';
import { laneJob, liveUntilThrough, newestResults } from '../integration/support/e2e-crash-lanes.ts';
import { readResults } from '../integration/support/e2e-results.ts';
import { csv, row, rows } from '../integration/support/e2e-rows.ts';
import { HASTY, openWorld, type World } from '../integration/support/e2e-world.ts';

const keysTaken = (world: World): (string | undefined)[] =>
  world.taken().map(({ body }) => body.data.partner_conversion_id);

const outcomes = (world: World, name: string): string[] =>
  readResults(newestResults(world, name)).map(({ input, outcome, code }) =>
    `${input.split(',')[0]} ${outcome} ${code}`.trim(),
  );

describe('lane sftp', () => {
  it('a rename whose answer is lost does not put the file there a second time', async () => {
    const world = await openWorld({ extoleSftp: { hasty: true } });
    world.job('feed', laneJob(world, 'sftp'));
    world.drop('a.csv', csv(rows('A', 3)));
    if (world.extoleSftp) world.extoleSftp.server.quirks.renameReplyLost = true;
    await world.run('feed');
    await liveUntilThrough(world);
    expect(world.extoleSftp?.folder.taken).toMatchObject([{ rows: 3, accepted: 3 }]);
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 delivered', 'A-0002 delivered', 'A-0003 delivered']);
    await world.close();
  }, 60_000);

  it('a later file waits with the rows of people whose earlier rows have no answer yet', async () => {
    const world = await openWorld({ extoleSftp: { asleep: true } });
    world.job('feed', laneJob(world, 'sftp', { wait: '0s' }));
    const person = { email: 'p@private.example', member: 'M-1' };
    world.drop('a.csv', csv([row('A-1', person)]), 100);
    world.drop('b.csv', csv([row('B-1', person), row('B-2')]), 50);
    await world.run('feed');
    if (world.extoleSftp) world.extoleSftp.folder.behaviour.asleep = false;
    await world.extoleSftp?.folder.look();
    await world.extoleSftp?.folder.look();
    expect(keysTaken(world).sort()).toEqual(['A-1', 'B-2']);
    for (let i = 0; i < 4; i++) {
      await world.run('feed');
      await world.extoleSftp?.folder.look();
    }
    expect(keysTaken(world).sort()).toEqual(['A-1', 'B-1', 'B-2']);
    await world.close();
  }, 60_000);

  it('of held rows that are released one by one, only those go', async () => {
    const world = await openWorld({ extoleSftp: { silent: true } });
    world.job('feed', laneJob(world, 'sftp', { wait: '1200ms', proofTimeout: '1s' }));
    world.drop('a.csv', csv(rows('A', 3)));
    await world.run('feed');
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 held NO_PROOF', 'A-0002 held NO_PROOF', 'A-0003 held NO_PROOF']);
    if (world.extoleSftp) world.extoleSftp.folder.behaviour.silent = false;
    await world.cli(['release', 'a.csv', '--line', '3', '--reason', 'r', '--json']);
    await world.run('feed');
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003', 'A-0002']);
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 held NO_PROOF', 'A-0002 delivered', 'A-0003 held NO_PROOF']);
    await world.close();
  }, 60_000);
});

describe('lane sftp, a file that is not through', () => {
  it('a held row that is released goes, once nothing of the file is on its way any more', async () => {
    const world = await openWorld({
      extoleSftp: {
        layout: {
          names: ['status', 'message'],
          cells: ({ number }) => [number === 2 ? 'PERHAPS' : 'SUCCESS', ''],
          metadata: (message) => ['FAILURE', message],
        },
        missing: ({ number }) => number === 3,
      },
    });
    const upload = { wait: '300ms', proofTimeout: '2s', results: { statusColumn: 'status' } };
    world.job('feed', laneJob(world, 'sftp', upload));
    world.drop('a.csv', csv(rows('A', 3)));
    await world.run('feed');
    await world.cli(['release', 'a.csv', '--reason', 'r', '--json']);
    if (world.extoleSftp) {
      Object.assign(world.extoleSftp.folder.behaviour, { layout: 'status-message', missing: () => false });
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    for (let i = 0; i < 3; i++) await world.run('feed');
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003', 'A-0002']);
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 delivered', 'A-0002 delivered', 'A-0003 held NO_PROOF']);
    await world.close();
  }, 60_000);
});

/** Some answers never come, and what is sent again is told by its name. */
const UNANSWERED = { ...HASTY, unknown: 'resend', maxAmbiguous: 100 };

describe('lane batch', () => {
  it('whatever becomes of the answers before there is a batch job, each row arrives once', async () => {
    const world = await openWorld({ extoleSftp: {} });
    world.job('feed', { ...laneJob(world, 'batch', { wait: '1s' }), delivery: UNANSWERED });
    world.drop('a.csv', csv(rows('A', 3)));
    world.extole.fail('500pre', 'resetpost', 'badjson-post');
    world.extole.failLooks('500pre', 'timeout-pre', 'badjson-pre', '429', 'html-pre');
    await liveUntilThrough(world, 12);
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003']);
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 delivered', 'A-0002 delivered', 'A-0003 delivered']);
    await world.close();
  }, 60_000);

  it.each<[FaultName]>([['500post'], ['timeout-post']])(
    'an answer to the making of a batch job that is lost by %s makes no second one',
    async (fault) => {
      const world = await openWorld({ extoleSftp: {} });
      world.job('feed', { ...laneJob(world, 'batch', { wait: '1s' }), delivery: UNANSWERED });
      world.drop('a.csv', csv(rows('A', 3)));
      const isFirst = ({ method, path, seq }: FaultRequest): boolean =>
        method === 'POST' && path === '/v6/batches' && seq < 4;
      world.extole.setFaults((request) => (isFirst(request) ? fault : undefined));
      await liveUntilThrough(world, 8);
      expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003']);
      expect(outcomes(world, 'a.csv')).toEqual(['A-0001 delivered', 'A-0002 delivered', 'A-0003 delivered']);
      await world.close();
    },
    60_000,
  );

  it('a batch job that an earlier run could not make is made once, however often it is looked at', async () => {
    const world = await openWorld({ extoleSftp: {} });
    world.job('feed', laneJob(world, 'batch', { wait: '0s' }));
    world.drop('a.csv', csv(rows('A', 3)));
    world.extole.setFaults(({ method, path }) => (method === 'POST' && path === '/v6/batches' ? '429' : undefined));
    await world.run('feed');
    expect(keysTaken(world)).toEqual([]);
    world.extole.setFaults(undefined);
    world.job('feed', laneJob(world, 'batch', { wait: '10s' }));
    await world.run('feed');
    expect(keysTaken(world)).toEqual(['A-0001', 'A-0002', 'A-0003']);
    expect(outcomes(world, 'a.csv')).toEqual(['A-0001 delivered', 'A-0002 delivered', 'A-0003 delivered']);
    await world.close();
  }, 60_000);
});
