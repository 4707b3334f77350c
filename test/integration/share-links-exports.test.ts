import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { heldExports, releaseExport } from '../../src/ledger/exports.ts';
import { type AfterWorld, afterWorld, Died, io, people } from './support/after-world.ts';

const plain = (world: AfterWorld, more: object = {}): object => ({
  format: 'plain-csv',
  columns: { email: '{email}', link: '{link}' },
  to: { url: world.outbox },
  ...more,
});

const emails = (rows: readonly Record<string, string>[]): (string | undefined)[] => rows.map(({ email }) => email);

/** All rows in the outbox, whatever the file. */
const exported = (world: AfterWorld): (string | undefined)[] =>
  world
    .out()
    .filter((name) => name.endsWith('.csv'))
    .flatMap((name) => emails(world.read(name)));

describe('an export of changes', () => {
  test('has every link the first time, then those that are new or other, and nothing where nothing changed', async () => {
    const world = afterWorld();
    await world.tell(people(3));
    const [first] = (await world.after({ exports: [plain(world)] })).exports;
    expect(first).toMatchObject({ state: 'published', read: 3, rows: 3, balanced: true, news: true, kind: 'changes' });
    const [csv = '', manifest = ''] = world.out();
    expect(world.read(csv)).toEqual([
      { email: 'p0001@example.com', link: 'https://share.example.com/code0001' },
      { email: 'p0002@example.com', link: 'https://share.example.com/code0002' },
      { email: 'p0003@example.com', link: 'https://share.example.com/code0003' },
    ]);
    const bytes = readFileSync(join(world.folder, 'outbox', csv));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    expect(world.manifest(manifest)).toMatchObject({ rows: 3, files: [{ name: csv, rows: 3, sha256 }] });

    expect((await world.after({ exports: [plain(world)] })).exports).toEqual([]);
    await world.tell([{ email: 'new@example.com' }, { ...people(1)[0], code: 'other' }]);
    await world.after({ exports: [plain(world, { fileName: 'second.csv' })] });
    expect(emails(world.read('second.csv'))).toEqual(['new@example.com', 'p0001@example.com']);
    expect(world.manifest('second.csv.manifest.json')).toHaveProperty('since');
  });

  test('has everybody again once its columns are others', async () => {
    const world = afterWorld();
    await world.tell(people(2));
    await world.after({ exports: [plain(world)] });
    const columns = { email: '{email}', link: '{link}', code: '{code}' };
    const { exports } = await world.after({ exports: [plain(world, { columns, fileName: 'again.csv' })] });
    expect(exports).toMatchObject([{ rows: 2 }]);
    expect(world.read('again.csv')).toMatchObject([{ code: 'code0001' }, { code: 'code0002' }]);
  });

  test('goes beside one of the same name that nobody has taken away', async () => {
    const world = afterWorld();
    await world.tell(people(1));
    const target = plain(world, { fileName: 'links.csv' });
    await world.after({ exports: [target] });
    await world.tell(people(1, 2));
    await world.after({ exports: [target] });
    expect(emails(world.read('links.csv'))).toEqual(['p0001@example.com']);
    expect(emails(world.read('links.r2.csv'))).toEqual(['p0002@example.com']);
    expect(world.manifest('links.r2.csv.manifest.json')).toMatchObject({ files: [{ name: 'links.r2.csv' }] });
  });

  test('is made without a change where somebody expects a file each time', async () => {
    const world = afterWorld();
    await world.tell(people(1));
    await world.after({ exports: [plain(world)] });
    const target = plain(world, { whenUnchanged: 'export', fileName: 'empty.csv' });
    await world.after({ exports: [target] });
    expect(world.text('empty.csv')).toBe('email,link\n');
  });

  test('counts who cannot be written, and balances', async () => {
    const world = afterWorld();
    await world.tell([...people(2), { partnerUserId: 'only-id' }, { email: 'z@example.com', link: 'ftp://x' }]);
    const target = { format: 'hubspot-csv', to: { url: world.outbox } };
    const [account] = (await world.after({ exports: [target] })).exports;
    const leftOut = { IDENTIFIER_MISSING: 1, LINK_INVALID: 1 };
    expect(account).toMatchObject({ read: 4, rows: 2, leftOut, balanced: true });
  });

  test('is in the order of the id where the tool knows people by it', async () => {
    const world = afterWorld();
    await world.tell([
      { email: 'a@example.com', partnerUserId: '9' },
      { email: 'b@example.com', partnerUserId: '10' },
      { email: 'c@example.com' },
      { partnerUserId: '5' },
    ]);
    const target = { format: 'braze-csv', to: { url: world.outbox }, fileName: 'braze.csv' };
    const [account] = (await world.after({ exports: [target] })).exports;
    expect(account).toMatchObject({ read: 4, rows: 3, leftOut: { IDENTIFIER_MISSING: 1 } });
    expect(world.read('braze.csv').map(({ external_id }) => external_id)).toEqual(['10', '5', '9']);
  });
});

describe('a snapshot', () => {
  const snapshot = (world: AfterWorld, more: object = {}): object =>
    plain(world, { kind: 'snapshot', fileName: 'all.csv', ...more });

  const forget = (world: AfterWorld, count: number): Promise<void> =>
    world.withLedger(({ db }) => {
      db.prepare('DELETE FROM links WHERE id IN (SELECT id FROM links ORDER BY id LIMIT ?)').run(count);
    });

  test('takes the place of the one before it, whole', async () => {
    const world = afterWorld();
    await world.tell(people(2));
    await world.after({ exports: [snapshot(world)] });
    await world.tell(people(1, 3));
    await world.after({ exports: [snapshot(world)] });
    expect(world.out()).toEqual(['all.csv', 'all.csv.manifest.json']);
    expect(world.read('all.csv')).toHaveLength(3);
    expect(world.manifest('all.csv.manifest.json')).toMatchObject({ kind: 'snapshot', rows: 3 });
  });

  test('that shrank too much is held until a person lets it go, and then leaves', async () => {
    const world = afterWorld();
    await world.tell(people(10));
    await world.after({ exports: [snapshot(world)] });
    await forget(world, 5);
    const held = (await world.after({ exports: [snapshot(world)] })).exports;
    expect(held).toMatchObject([{ state: 'held', rows: 5, news: true, why: { code: 'EXPORT_SHRUNK' } }]);
    expect(world.read('all.csv')).toHaveLength(10);
    expect((await world.after({ exports: [snapshot(world)] })).exports).toMatchObject([{ state: 'held', news: false }]);
    await world.withLedger((ledger) => {
      const [waits] = heldExports(ledger, 'links');
      expect(waits?.target).toBe('plain-csv');
      releaseExport(ledger, waits?.id ?? 0);
    });
    expect((await world.after({ exports: [snapshot(world)] })).exports).toMatchObject([
      { state: 'published', rows: 5 },
    ]);
    expect(world.read('all.csv')).toHaveLength(5);
    expect(await world.withLedger((ledger) => heldExports(ledger))).toEqual([]);
  });

  test('that shrank again after it was let go is held again', async () => {
    const world = afterWorld();
    await world.tell(people(10));
    await world.after({ exports: [snapshot(world)] });
    await forget(world, 5);
    await world.after({ exports: [snapshot(world)] });
    await world.withLedger((ledger) => releaseExport(ledger, heldExports(ledger)[0]?.id ?? 0));
    await forget(world, 4);
    expect((await world.after({ exports: [snapshot(world)] })).exports).toMatchObject([{ state: 'held', rows: 1 }]);
  });

  test('that is whole again leaves without anybody', async () => {
    const world = afterWorld();
    await world.tell(people(10));
    await world.after({ exports: [snapshot(world)] });
    await forget(world, 5);
    await world.after({ exports: [snapshot(world)] });
    await world.tell(people(10));
    expect((await world.after({ exports: [snapshot(world)] })).exports).toMatchObject([
      { state: 'published', rows: 10 },
    ]);
    expect(await world.withLedger((ledger) => heldExports(ledger))).toEqual([]);
  });
});

describe('an export that is cut short', () => {
  test.each([
    ['export-planned', 1],
    ['export-file-out', 1],
    ['export-file-out', 2],
    ['export-out', 1],
  ] as const)('at %s (%i) comes out as the very same files, and no change is lost', async (place, nth) => {
    const world = afterWorld();
    await world.tell(people(30));
    const target = plain(world);
    const split = { format: 'klaviyo-csv', to: { url: world.outbox }, maxBytes: 1000, fileName: 'k.csv' };
    await expect(world.after({ exports: [split, target], dieAt: [place, nth] })).rejects.toThrow(Died);
    await world.tell(people(1, 31));
    const { exports } = await world.after({ exports: [split, target] });
    expect(exports.every(({ state, balanced }) => state === 'published' && balanced)).toBe(true);
    const klaviyo = world.out().filter((name) => /^k.*\.csv$/.test(name));
    const found = klaviyo.flatMap((name) => world.read(name).map((row) => row['Email Address']));
    expect([...found].sort()).toEqual(people(31).map(({ email }) => email));
    expect(
      exported(world)
        .filter((email) => email !== undefined)
        .sort(),
    ).toEqual(people(31).map(({ email }) => email));
    for (const name of world.out().filter((each) => each.endsWith('.manifest.json'))) {
      const manifest: { files: { name: string; sha256: string }[] } = JSON.parse(world.text(name));
      for (const file of manifest.files)
        expect(createHash('sha256').update(world.text(file.name)).digest('hex')).toBe(file.sha256);
    }
  });

  test('and whose files are gone from this machine is made anew, and no change is lost', async () => {
    const world = afterWorld();
    await world.tell(people(3));
    await expect(world.after({ exports: [plain(world)], dieAt: ['export-planned', 1] })).rejects.toThrow(Died);
    rmSync(join(world.folder, 'staging', 'exports'), { recursive: true });
    const { notices } = await world.after({ exports: [plain(world)] });
    expect(notices).toMatchObject([{ code: 'EXPORT_LOST' }]);
    expect(exported(world)).toEqual(people(3).map(({ email }) => email));
  });

  test('by an outbox that is away goes on when it is back; other targets do not wait for it', async () => {
    const world = afterWorld();
    await world.tell(people(3));
    const away = join(world.folder, 'away');
    const target = plain(world, { name: 'first', to: { url: `file://${away}/deep` } });
    const { exports } = await world.after({ exports: [target, plain(world)] });
    const why = { code: 'NO_SUCH_FOLDER' };
    expect(exports).toMatchObject([{ state: 'open', why, news: true }, { state: 'published' }]);
    expect((await world.after({ exports: [target, plain(world)] })).exports).toMatchObject([
      { state: 'open', news: false },
    ]);
    mkdirSync(away);
    expect((await world.after({ exports: [target, plain(world)] })).exports).toMatchObject([
      { target: 'first', rows: 3 },
    ]);
  });

  test('and then goes to another outbox is made for that one', async () => {
    const world = afterWorld();
    await world.tell(people(3));
    await expect(world.after({ exports: [plain(world)], dieAt: ['export-file-out', 1] })).rejects.toThrow(Died);
    const other = join(world.folder, 'other');
    mkdirSync(other);
    await world.after({ exports: [plain(world, { to: { url: `file://${other}` }, fileName: 'o.csv' })] });
    renameSync(join(other, 'o.csv'), join(world.folder, 'outbox', 'o.csv'));
    expect(world.read('o.csv')).toHaveLength(3);
  });
});

test('QR codes go beside the file, one a link, in a zip or a folder', async () => {
  const world = afterWorld();
  await world.tell(people(2));
  const target = plain(world, { fileName: 'links.csv', qr: { into: 'folder', image: 'svg' } });
  await world.after({ exports: [target, plain(world, { name: 'zipped', fileName: 'z.csv', qr: {} })] });
  expect(world.out()).toEqual([
    ...['links-qr', 'links.csv', 'links.csv.manifest.json', 'z-qr.zip', 'z.csv', 'z.csv.manifest.json'],
  ]);
  expect(readFileSync(join(world.folder, 'outbox', 'links-qr', 'code0001.svg'), 'utf8')).toContain('<svg');
});

test('nothing of it stays on this machine', async () => {
  const world = afterWorld();
  await world.tell(people(2));
  await world.after({ exports: [plain(world)] });
  expect(() => readFileSync(join(world.folder, 'staging', 'exports', 'links.plain-csv'))).toThrow(/ENOENT/);
  expect(io.env).toBeDefined();
});
