import { type Check, goodRows } from './check.ts';

export const check: Check = {
  title: 'a server with another host key is given no password and no file',
  async run(stage) {
    const world = await stage.world();
    world.job('feed');
    world.drop('a.csv', goodRows('A', 3));
    const first = await world.run('feed');
    const complaints = first.code === 0 ? [] : [`the right server is refused: exit ${first.code}`];
    await world.servers.impostor();
    world.drop('b.csv', goodRows('B', 3));
    const end = await world.run('feed');
    const { connections, sessions, offered } = await world.servers.seen();
    if (end.code === 0) complaints.push('the run says that all went well');
    if (!/HOSTKEY/i.test(end.stderr + end.stdout)) complaints.push('nobody is told of the host key');
    if (connections === 0) complaints.push('the impostor was not asked at all: nothing was proven');
    if (offered.length > 0) complaints.push(`the impostor was offered ${offered.join(', ')}`);
    if (sessions > 0) complaints.push(`the impostor got ${sessions} sessions`);
    if (world.servers.requests().some(({ body }) => body.data?.partner_conversion_id?.startsWith('B')))
      complaints.push('rows of its file were sent');
    return complaints;
  },
};
