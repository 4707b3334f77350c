import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { type IterableStandIn, startIterable } from '../../src/sandbox/iterable/server.ts';
import { afterWorld, io, people } from './support/after-world.ts';

/** Paces are shared by all who use a key, so each stand-in has one of its own. */
async function iterable(apiKey: string): Promise<{ server: IterableStandIn; target: object }> {
  const server = await startIterable({ io, keys: [apiKey], limits: { requests: Number.POSITIVE_INFINITY } });
  onTestFinished(() => server.stop());
  const reach = { provider: 'iterable', account: 'acme', apiKey, url: server.url };
  return { server, target: { ...reach, requestsPerSecond: 1000, usersPerCall: 10 } };
}

test('a link that becomes one with another while the last call is on its way leaves no line in the results', async () => {
  const { server, target } = await iterable('of-the-merged');
  const world = afterWorld();
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
  const { pushes } = await world.after({ push: [{ ...target, connections: 2 }] });
  expect(gone).toBe(1);
  expect(pushes).toMatchObject([{ state: 'done', balanced: true, counts: { read: 24, delivered: 24, open: 0 } }]);
  const lines = Object.values(world.results()).flat();
  expect(lines.map(({ email }) => email)).toEqual(people(24, 2).map(({ email }) => email));
});

test('results are written while the last calls are on their way, and are whole and in the order of the links all the same', async () => {
  const { server, target } = await iterable('of-the-last-calls');
  const world = afterWorld();
  await world.tell(people(60));
  await world.after({ push: [target] });
  const known = new Set(Object.keys(world.results()));
  // Their links are old, and the change of them is new: they leave last, and are told first.
  await world.tell(people(40, 61));
  await world.tell([5, 1].map((n) => ({ email: `p000${n}@example.com`, code: 'changed' })));
  // It is on its way while the results are begun.
  server.setFaults(({ body }) => (JSON.stringify(body).includes('changed') ? { kind: 'slow', ms: 400 } : undefined));
  const again = { ...target, connections: 3 };
  expect((await world.after({ push: [again] })).pushes).toMatchObject([
    { state: 'done', balanced: true, counts: { read: 42, delivered: 42, open: 0 } },
  ]);
  const [rows = []] = Object.entries(world.results()).flatMap(([name, its]) => (known.has(name) ? [] : [its]));
  const due = [1, 5, ...Array.from({ length: 40 }, (_, i) => i + 61)];
  expect(rows.map(({ email }) => email)).toEqual(due.map((n) => `p${String(n).padStart(4, '0')}@example.com`));
  expect(rows.map(({ line }) => line)).toEqual(due.map((_, i) => String(i + 2)));
  expect(new Set(rows.map(({ outcome }) => outcome))).toEqual(new Set(['delivered']));
  expect(server.project.users.get('p0001@example.com')).toMatchObject({
    share_link: 'https://share.example.com/changed',
  });
});

test('a link that failed before, and changes once more while it is on its way, is not sent beside itself but by the next pass', async () => {
  const { server, target } = await iterable('of-the-overtaken');
  const world = afterWorld();
  await world.tell(people(300));
  await world.after({ push: [target] });
  await world.withLedger(({ db }) => db.exec("UPDATE push_rows SET outcome = 'failed' WHERE link_id = 1"));
  await world.tell(people(300).map((link) => ({ ...link, code: `${link.code}b` })));
  const before = server.received.length;
  let changed = 0;
  server.setFaults(({ body }) => {
    if (!body.includes('code0001b')) return undefined;
    // A webhook, while the call with the link before it is slow.
    const db = new Database(join(world.folder, 'ledger.db'));
    const { seq } = db.prepare<[], { seq: number }>('UPDATE link_numbers SET seq = seq + 1 RETURNING seq').get() ?? {};
    const change = "UPDATE links SET link = 'https://share.example.com/newest', code = 'newest', seq = ? WHERE id = 1";
    changed += db.prepare(change).run(seq).changes;
    db.close();
    return { kind: 'slow', ms: 600 };
  });
  const again = { ...target, connections: 2 };
  expect((await world.after({ push: [again] })).pushes).toMatchObject([
    { state: 'done', balanced: true, counts: { read: 300, delivered: 300, open: 0 } },
  ]);
  expect(changed).toBe(1);
  expect((await world.after({ push: [again] })).pushes).toMatchObject([
    { state: 'done', balanced: true, counts: { read: 1, delivered: 1, open: 0 } },
  ]);
  const sent = JSON.stringify(server.received.slice(before).map(({ body }) => body));
  expect(sent.match(/code0001b|newest/g)?.sort()).toEqual(['code0001b', 'newest']);
  expect(server.project.users.get('p0001@example.com')).toMatchObject({
    share_link: 'https://share.example.com/newest',
  });
});
