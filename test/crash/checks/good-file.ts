import { type Check, goodRows } from './check.ts';

/** The smallest thing that must work. A deliberate bug that breaks it is too coarse to prove anything. */
export const check: Check = {
  title: 'a good file is delivered, published and archived',
  async run(stage) {
    const world = await stage.world();
    world.job('feed');
    world.drop('a.csv', goodRows('A', 20));
    const { code, stderr } = await world.run('feed');
    const keys = new Set(world.servers.requests().map(({ body }) => body.data?.partner_conversion_id));
    const complaints = code === 0 ? [] : [`exit ${code}: ${stderr}`];
    if (keys.size !== 20) complaints.push(`${keys.size} rows of 20 were sent`);
    if (world.files('results').join() !== 'a.csv.results.csv') complaints.push('there is no results file');
    if (world.files('archive').length !== 1) complaints.push('the file is not in the archive');
    return complaints;
  },
};
