import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { startIterable } from '../../src/sandbox/iterable/server.ts';
import { afterWorld, io, people } from './support/after-world.ts';

test('a link that becomes one with another while the last call is on its way leaves no line in the results', async () => {
  const world = afterWorld();
  const apiKey = 'key-of-the-merged';
  const limits = { requests: Number.POSITIVE_INFINITY };
  const server = await startIterable({ io, keys: [apiKey], limits });
  onTestFinished(() => server.stop());
  await world.tell(people(25));

  let gone = 0;
  server.setFaults(({ body }) => {
    if (!body.includes('p0025@')) return undefined;
    // By now the results of the calls before this one are written, and a webhook finds two rows to be of one person.
    setTimeout(() => {
      const db = new Database(join(world.folder, 'ledger.db'));
      db.pragma('foreign_keys = ON');
      gone = db.prepare("DELETE FROM links WHERE email = 'p0001@example.com'").run().changes;
      db.close();
    }, 300);
    return { kind: 'slow', ms: 800 };
  });
  const reach = { provider: 'iterable', account: 'acme', apiKey, url: server.url };
  const { pushes } = await world.after({
    push: [{ ...reach, connections: 2, requestsPerSecond: 1000, usersPerCall: 10 }],
  });
  expect(gone).toBe(1);
  expect(pushes).toMatchObject([{ state: 'done', balanced: true, counts: { read: 24, delivered: 24, open: 0 } }]);
  const lines = Object.values(world.results()).flat();
  expect(lines.map(({ email }) => email)).toEqual(people(24, 2).map(({ email }) => email));
});
