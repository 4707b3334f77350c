import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../integration/support/e2e-cli.ts';
import { fates } from '../integration/support/e2e-results.ts';
import { csv, rows } from '../integration/support/e2e-rows.ts';
import { type LaneWorld, openLaneWorld } from '../integration/support/lane-world.ts';

describe('the lane batch and answers that prove nothing', { timeout: 60_000 }, () => {
  let lane: LaneWorld;
  afterEach(() => lane.world.close());
  const expectSentOnce = (count: number): void => {
    expect(fates(lane.results())).toEqual(rows('A', count).map((_, i) => `${i + 2} delivered`));
    expect(lane.world.taken().map(({ body }) => body.data.partner_conversion_id)).toEqual(
      rows('A', count).map(({ id }) => id),
    );
  };

  it('H08: a 201 or 202 to a file or a batch job that was made is no reason to make another one', async () => {
    lane = await openLaneWorld({ lane: 'batch' });
    lane.world.drop('a.csv', csv(rows('A', 5)));
    lane.world.extole.setFaults(({ method, path, body }) =>
      method === 'POST' && path.startsWith('/v6/batches') && body !== '' && ++made === 1 ? '201' : undefined,
    );
    let made = 0;
    lane.world.extole.fail('202');
    for (let i = 0; i < 4; i++) if ((await lane.world.run('feed')).run.open === 0) break;
    expectSentOnce(5);
  });

  it('C06: stopped while a file is sent and nobody answers, it ends soon, and the next run finds the file by its name', async () => {
    lane = await openLaneWorld({ lane: 'batch' });
    lane.world.drop('a.csv', csv(rows('A', 5)));
    lane.world.extole.fail('timeout-post');
    const child = lane.world.start(['run', 'feed', '--json']);
    await until('the upload', () => lane.world.extole.stats().byPath['/v6/files'] !== undefined);
    const at = performance.now();
    child.kill('SIGTERM');
    expect((await child.done).code).toBe(130);
    expect(performance.now() - at).toBeLessThan(20_000);
    const { code, run, stderr } = await lane.world.run('feed');
    expect(code, stderr).toBe(0);
    expect(run.files[0]).toMatchObject({ read: 5, delivered: 5 });
    expectSentOnce(5);
    // Looked for and found: no second upload.
    expect(lane.world.extole.stats().byPath['/v6/files']).toMatchObject({ '0': 1, '200': 1 });
  });
});
