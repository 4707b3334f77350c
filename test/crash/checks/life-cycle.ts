import { type Check, goodRows } from './check.ts';

/** Banks send one id as it is opened, funded, closed: what is known of one event says nothing of another. */
export const check: Check = {
  title: 'one id under two event names is two facts, and both are delivered',
  async run(stage) {
    const world = await stage.world();
    const event = { key: 'id', time: 'at', data: { email: 'email' } };
    const source = { ...world.source, match: 'opened-*.csv' };
    world.job('opened', { event: { ...event, name: 'account_opened' }, source });
    world.job('funded', { event: { ...event, name: 'account_funded' }, source: { ...source, match: 'funded-*.csv' } });
    const rows = goodRows('L', 10);
    world.drop('opened-1.csv', rows);
    world.drop('funded-1.csv', `${rows}\n`);
    await world.run('opened');
    await world.run('funded');
    const accepted = world.servers.requests().filter((each) => each.accepted);
    return ['account_opened', 'account_funded'].flatMap((name) => {
      const count = accepted.filter(({ body }) => body.event_name === name).length;
      return count === 10 ? [] : [`${count} rows of 10 were delivered as ${name}`];
    });
  },
};
