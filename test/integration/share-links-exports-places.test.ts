import { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { heldExports } from '../../src/ledger/exports.ts';
import { startHubspot } from '../../src/sandbox/hubspot/server.ts';
import { afterWorld, Died, io, people } from './support/after-world.ts';
import { type Sandbox, startSandbox } from './support/remotes-world.ts';

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

test('what a process that died has left in an outbox is removed after a day', async () => {
  const world = afterWorld();
  const outbox = join(world.folder, 'outbox');
  const [old, young] = ['.k.csv.0123456789ab.part', '.k.csv.ba9876543210.part'];
  for (const name of [old, young, 'mine.csv']) writeFileSync(join(outbox, name), 'x');
  const long = new Date(Date.now() - 2 * 86_400_000);
  for (const name of [old, 'mine.csv']) utimesSync(join(outbox, name), long, long);
  await world.tell(people(3));
  await world.after({ exports: [{ format: 'klaviyo-csv', fileName: 'k.csv', to: { url: world.outbox } }] });
  expect(readdirSync(outbox).sort()).toEqual([young, 'k.csv', 'k.csv.manifest.json', 'mine.csv']);
});

describe('an outbox on an SFTP server', () => {
  const outboxOf = ({ settings }: Sandbox): object => ({
    ...settings,
    url: `${settings.url.replace(/\/$/, '')}/out/klaviyo`,
  });

  test('has the file whole and its manifest, in a folder that is made', async () => {
    sandbox = await startSandbox();
    mkdirSync(join(sandbox.disk, 'out'));
    const world = afterWorld();
    await world.tell(people(40));
    const target = { format: 'klaviyo-csv', fileName: 'k.csv', to: outboxOf(sandbox) };
    const { exports } = await world.after({ exports: [target] });
    expect(exports).toMatchObject([{ state: 'published', rows: 40 }]);
    const at = join(sandbox.disk, 'out', 'klaviyo');
    expect(readdirSync(at).sort()).toEqual(['k.csv', 'k.csv.manifest.json']);
    expect(parse(readFileSync(join(at, 'k.csv')), { columns: true })).toHaveLength(40);
    expect(exports[0]?.place).not.toContain('secret');
  });

  test('whose server is gone in the middle gets the very same files once it is back', async () => {
    sandbox = await startSandbox();
    mkdirSync(join(sandbox.disk, 'out'));
    const world = afterWorld();
    await world.tell(people(60));
    const target = { format: 'klaviyo-csv', fileName: 'k.csv', maxBytes: 1000, to: outboxOf(sandbox) };
    await expect(world.after({ exports: [target], dieAt: ['export-file-out', 2] })).rejects.toThrow(Died);
    const at = join(sandbox.disk, 'out', 'klaviyo');
    const first = readFileSync(join(at, 'k.csv'));
    const { exports } = await world.after({ exports: [target] });
    expect(exports).toMatchObject([{ state: 'published', rows: 60 }]);
    expect(readFileSync(join(at, 'k.csv'))).toEqual(first);
    const names = readdirSync(at).filter((name) => name.endsWith('.csv'));
    const rows = names.flatMap((name): Record<string, string>[] =>
      parse(readFileSync(join(at, name)), { columns: true }),
    );
    expect(rows).toHaveLength(60);
    expect(new Set(rows.map((row) => row['Email Address'])).size).toBe(60);
  });

  test('with direct is written under its own name at once, where an automation listens for uploads', async () => {
    sandbox = await startSandbox();
    mkdirSync(join(sandbox.disk, 'out'));
    const world = afterWorld();
    await world.tell(people(3));
    const target = { format: 'sfmc-csv', kind: 'snapshot', fileName: 's.csv', to: outboxOf(sandbox) };
    sandbox.server.quirks.failRename = 'denied';
    const refused = (await world.after({ exports: [target] })).exports;
    expect(refused).toMatchObject([{ state: 'open' }]);
    expect(readdirSync(join(sandbox.disk, 'out', 'klaviyo'))).toEqual([]);
    await world.after({ exports: [{ ...target, direct: true }] });
    const at = join(sandbox.disk, 'out', 'klaviyo', 's.csv');
    expect(parse(readFileSync(at), { columns: true })).toHaveLength(3);
  });
});

describe("HubSpot's Imports API", () => {
  let tokens = 0;
  async function hubspot(): Promise<{ server: Awaited<ReturnType<typeof startHubspot>>; target: object }> {
    tokens += 1;
    const token = `import-${tokens}`;
    const server = await startHubspot({ io, token, importLooks: 2 });
    onTestFinished(() => server.stop());
    const settings = {
      account: 'acme',
      token,
      url: server.url,
      import: { poll: '10ms' },
      backoff: { first: '5ms', cap: '20ms' },
    };
    return { server, target: { format: 'hubspot-csv', hubspot: settings, company: 'Acme', appType: 'web' } };
  }

  test('gets the file, is followed to its end, and says which lines it refused', async () => {
    const { server, target } = await hubspot();
    const world = afterWorld();
    await world.tell([...people(3), { email: 'bad@nowhere', code: 'bad' }]);
    const [account] = (await world.after({ exports: [target] })).exports;
    expect(account).toMatchObject({ state: 'published', rows: 4, refused: { INVALID_EMAIL: 1 }, balanced: true });
    expect(server.contacts.definitions.get('extole_app_type')).toMatchObject({ type: 'string' });
    expect(account?.files).toEqual([expect.stringMatching(/^import \d+$/)]);
    const stored = server.contacts
      .all()
      .map(({ properties: { email, share_link, share_code } }) => [email, share_link, share_code]);
    expect(stored).toEqual(people(3).map(({ email, code }) => [email, `https://share.example.com/${code}`, code]));
    expect((await world.after({ exports: [target] })).exports).toEqual([]);
  });

  test.each(['export-planned', 'export-file-out', 'export-out'])(
    'a death at %s hands in no second import',
    async (place) => {
      const { server, target } = await hubspot();
      const world = afterWorld();
      await world.tell(people(3));
      await expect(world.after({ exports: [target], dieAt: [place, 1] })).rejects.toThrow(Died);
      const { exports } = await world.after({ exports: [target] });
      expect(exports).toMatchObject([{ state: 'published', rows: 3 }]);
      expect(server.imports.all).toHaveLength(1);
      expect(server.contacts.all()).toHaveLength(3);
    },
  );

  test('whose file is gone before it was handed in gets a new one', async () => {
    const { server, target } = await hubspot();
    const world = afterWorld();
    await world.tell(people(3));
    await expect(world.after({ exports: [target], dieAt: ['export-planned', 1] })).rejects.toThrow(Died);
    rmSync(join(world.folder, 'staging', 'exports'), { recursive: true });
    expect((await world.after({ exports: [target] })).exports).toMatchObject([{ state: 'published', rows: 3 }]);
    expect(server.imports.all).toHaveLength(1);
  });

  test('that gives an import up leaves the changes to the next run, which makes a new one', async () => {
    const { server, target } = await hubspot();
    const world = afterWorld();
    await world.tell(people(3));
    server.imports.behaviour.end = 'FAILED';
    const first = (await world.after({ exports: [target] })).exports;
    expect(first).toMatchObject([{ state: 'open', why: { code: 'IMPORT_FAILED' } }]);
    server.imports.behaviour.end = 'DONE';
    expect((await world.after({ exports: [target] })).exports).toMatchObject([{ state: 'published', rows: 3 }]);
    expect(server.imports.all).toHaveLength(2);
  });
});

test('what waits for a target that the job has no more waits for nobody', async () => {
  const world = afterWorld();
  await world.tell(people(10));
  const target = { format: 'plain-csv', kind: 'snapshot', columns: { email: '{email}' }, to: { url: world.outbox } };
  await world.after({ exports: [{ ...target, name: 'old' }] });
  await world.withLedger(({ db }) => db.prepare('DELETE FROM links WHERE id > 2').run());
  await world.after({ exports: [{ ...target, name: 'old' }] });
  expect(await world.withLedger((ledger) => heldExports(ledger))).toHaveLength(1);
  await world.after({ exports: [] });
  expect(await world.withLedger((ledger) => heldExports(ledger))).toEqual([]);
});

test('a full disk, or an outbox that is a file, stops that target and nothing else', async () => {
  const world = afterWorld();
  await world.tell(people(2));
  const place = join(world.folder, 'file');
  writeFileSync(place, '');
  const target = { format: 'plain-csv', columns: { email: '{email}' }, to: { url: `file://${place}/x` } };
  const { exports } = await world.after({
    exports: [
      { ...target, name: 'broken' },
      { ...target, to: { url: world.outbox } },
    ],
  });
  expect(exports).toMatchObject([{ target: 'broken', state: 'open' }, { state: 'published' }]);
  rmSync(place);
});
