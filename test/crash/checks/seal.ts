import { gzipSync } from 'node:zlib';
import { type Check, goodRows } from './check.ts';

/** Nearly all of a cut gzip file unpacks before anybody can know that it is cut. */
export const check: Check = {
  title: 'no row leaves a file that is not whole',
  async run(stage) {
    const world = await stage.world();
    world.job('feed');
    const whole = gzipSync(goodRows('T', 400));
    for (const missing of [1, 8, 9, 200])
      world.drop(`cut-${missing}.csv.gz`, whole.subarray(0, whole.length - missing));
    const wrongSum = Buffer.from(whole);
    wrongSum[whole.length - 8] = (wrongSum[whole.length - 8] ?? 0) ^ 1;
    world.drop('sum.csv.gz', wrongSum);
    const end = await world.run('feed');
    const requests = world.servers.requests();
    const complaints = requests.length > 0 ? [`${requests.length} rows were sent`] : [];
    const refused = world.files('refused');
    if (refused.length !== 5) complaints.push(`refused are ${refused.join(', ')} of 5 (exit ${end.code})`);
    return complaints;
  },
};
