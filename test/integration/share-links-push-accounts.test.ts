import { expect, onTestFinished, test } from 'vitest';
import { targetStates } from '../../src/ledger/target-states.ts';
import { type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { afterWorld, io, people } from './support/after-world.ts';

let keys = 0;

async function iterable(): Promise<{ server: IterableStandIn; target: object }> {
  keys += 1;
  // Paces are shared by all who use a key, so each stand-in has one of its own.
  const apiKey = `account-key-${keys}`;
  const server = await startIterable({ io, keys: [apiKey], limits: { requests: Number.POSITIVE_INFINITY } });
  onTestFinished(() => server.stop());
  const more = { requestsPerSecond: 1000, patience: '50ms', backoff: { first: '5ms', cap: '20ms' } };
  return { server, target: { provider: 'iterable', account: 'acme', apiKey, url: server.url, ...more } };
}

test('another account is given everything, whatever the first one has', async () => {
  const one = await iterable();
  const two = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  await world.after({ push: [one.target] });
  await world.after({ push: [{ ...two.target, account: 'beta' }] });
  expect([...two.server.project.users.keys()].sort()).toEqual(people(3).map(({ email }) => email));
});

test('status is about the account that the job names, else about the one that was pushed to last', async () => {
  const one = await iterable();
  const two = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  const place = (account: string) => ({ provider: 'iterable', account, container: '' });
  const states = (account?: string) =>
    world.withLedger((ledger) => {
      const pushes = account === undefined ? [] : [{ target: 'iterable', place: place(account) }];
      return targetStates(ledger, 'links', account === undefined ? undefined : { exports: [], pushes });
    });
  two.server.setKeys([]);
  await world.after({ push: [one.target] });
  await world.after({ push: [{ ...two.target, account: 'beta' }] });
  expect(await states('beta')).toMatchObject([{ target: 'iterable', rows: 0, open: true, code: 'UNAUTHORIZED' }]);
  expect(await states('acme')).toMatchObject([{ target: 'iterable', rows: 3, open: false, code: '' }]);
  expect(await states('gamma')).toEqual([]);
  await world.tell(people(4));
  await world.after({ push: [one.target] });
  expect(await states()).toMatchObject([{ rows: 1, open: false, code: '' }]);
});

test('what failed for links of another label, or of another account, is not told as tried again: nothing does', async () => {
  const one = await iterable();
  const world = afterWorld();
  await world.tell(people(3));
  await world.after({ push: [one.target] });
  await world.withLedger(({ db }) => {
    db.exec("UPDATE push_rows SET outcome = 'failed' WHERE link_id = 1");
    db.exec("UPDATE push_rows SET outcome = 'rejected', code = 'FAILED_TOO_LONG' WHERE link_id = 2");
  });
  const pushes = [{ target: 'iterable', place: { provider: 'iterable', account: 'acme', container: '' } }];
  const states = (label: string, account = 'acme') => {
    const links = { place: { provider: 'extole', account, container: 'production' }, label };
    return world.withLedger((ledger) => targetStates(ledger, 'links', { exports: [], pushes, links }));
  };
  expect(await states('Refer')).toMatchObject([{ failed: 1, givenUp: 1 }]);
  expect(await states('vip')).toMatchObject([{ failed: 0, givenUp: 0 }]);
  expect(await states('refer', 'beta')).toMatchObject([{ failed: 0, givenUp: 0 }]);
});
