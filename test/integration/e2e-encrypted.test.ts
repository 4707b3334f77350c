import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { decrypt, readMessage } from 'openpgp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encryptTo, filesWith, type KeyFiles, makeKeys, openGpg } from './support/e2e-pgp.ts';
import { fates, readResults } from './support/e2e-results.ts';
import { csv, dataOf, row, rows } from './support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from './support/e2e-world.ts';
import { fromEnv, fromFile } from './support/usual-job.ts';

let world: World;
let ours: KeyFiles;
let partner: KeyFiles;

const PASSPHRASE = 'a passphrase to be kept';

beforeEach(async () => {
  world = await openWorld();
  ours = await makeKeys(world.root, 'ours', PASSPHRASE);
  partner = await makeKeys(world.root, 'partner');
});
afterEach(() => world.close());

const pgp = (change: Record<string, unknown> = {}): Record<string, unknown> => ({
  privateKey: fromFile(ours.secret),
  passphrase: fromEnv('PGP_PASSPHRASE'),
  signer: fromFile(partner.public),
  ...change,
});

function job(change: { report?: object; delivery?: object } = {}): void {
  world.env.PGP_PASSPHRASE = PASSPHRASE;
  const { report = {}, delivery = {} } = change;
  world.job('feed', {
    source: { match: '*.csv*' },
    file: { pgp: pgp() },
    report,
    delivery: { ...PATIENT, ...delivery },
  });
}

/** Rows of about 60 bytes: enough for GnuPG to write a packet in parts. */
const COUNT = 250;

const run = () => world.run('feed', { PGP_PASSPHRASE: PASSPHRASE });
const list = () => [...rows('A', 4), row('A-0005', { amount: 'CANARY-AMOUNT' }), row('A-0006')];
/** What of the rows may be seen nowhere on the disk. Keys may: the ledger is asked by them. */
const CANARIES = ['private.example', 'M-A-', 'CANARY', PASSPHRASE];

async function opened(bytes: Buffer, by: KeyFiles): Promise<Buffer> {
  const message = await readMessage({ binaryMessage: new Uint8Array(bytes) });
  const { data } = await decrypt({ message, decryptionKeys: by.privateKey, format: 'binary' });
  return Buffer.from(data);
}

describe('encrypted input', () => {
  it('I25: is decrypted on the way, armored or binary, and its rows are delivered; the results go back encrypted', async () => {
    job({ report: { encryptTo: fromFile(partner.public) } });
    const text = csv(list());
    world.drop('a.csv.pgp', await encryptTo(ours, text, { signedBy: partner }), 90);
    world.drop('b.csv.asc', await encryptTo(ours, csv(rows('B', 3)), { signedBy: partner, armored: true }), 80);
    const { code, run: account } = await run();
    expect(account).toMatchObject({ delivered: 8, rejected: 1, balanced: true });
    expect(code).toBe(0);
    expect(world.requests().map(({ body }) => body.data)).toEqual([
      ...list()
        .filter(({ id }) => id !== 'A-0005')
        .map(dataOf),
      ...rows('B', 3).map(dataOf),
    ]);

    expect(world.files('results')).toEqual(['a.csv.results.csv.pgp', 'b.csv.results.csv.pgp']);
    const lines = readResults(await opened(world.read('results/a.csv.results.csv.pgp'), partner));
    expect(fates(lines)).toContain('6 rejected MONEY_INVALID');
    expect(lines.map(({ input }) => input)).toEqual(text.trimEnd().split('\n').slice(1));
    expect(filesWith(world.root, CANARIES).filter((path) => !path.endsWith('received.jsonl'))).toEqual([]);
  });

  it('without report.encryptTo the results carry no input columns, and reasons no values', async () => {
    job();
    world.drop('a.csv.pgp', await encryptTo(ours, csv(list()), { signedBy: partner }));
    await run();
    const bytes = world.read('results/a.csv.results.csv');
    expect(bytes.toString()).toMatch(/^line,outcome,code,reason,event_id,attempts,at\n/);
    expect(readResults(bytes).map(({ line, outcome }) => [line, outcome])).toEqual([
      [2, 'delivered'],
      [3, 'delivered'],
      [4, 'delivered'],
      [5, 'delivered'],
      [6, 'rejected'],
      [7, 'delivered'],
    ]);
    expect(bytes.toString()).toContain('"XXXXXX-XXXXXX"');
    expect(filesWith(world.served, CANARIES)).toEqual([]);
  });

  it('GnuPG encrypts and signs, we read; we encrypt the results, GnuPG reads', { timeout: 90_000 }, async ({
    skip,
  }) => {
    const gpg = openGpg(world.root);
    if (!gpg) return skip('gpg is not installed');
    try {
      gpg.run(['--import', ours.public]);
      gpg.run(['--import', partner.secret]);
      const plain = join(world.root, 'plain.csv');
      const to = ['--recipient', ours.id, '--local-user', partner.id, '--output', '-', '--sign', '--encrypt', plain];
      job({ report: { encryptTo: fromFile(partner.public) } });
      const variants: [string, string[]][] = [
        ['usual.csv.gpg', []],
        ['armored.csv.asc', ['--armor']],
        ['bzip2.csv.gpg', ['--compress-algo', 'bzip2']],
        ['hidden.csv.gpg', ['--throw-keyids']],
        ['big-packets.csv.gpg', ['--compress-algo', 'none', '--cipher-algo', 'AES256']],
      ];
      for (const [i, [name, options]] of variants.entries()) {
        writeFileSync(plain, csv(rows(`G${i}`, COUNT)));
        world.drop(name, gpg.run([...options, ...to]), 90 - i);
      }
      writeFileSync(plain, '');
      const { run: account } = await run();
      expect(account.files.map(({ path, delivered }) => [path, delivered])).toEqual(
        variants.map(([name]) => [name, COUNT]),
      );
      const read = gpg.run(['--decrypt', join(world.served, 'results', 'usual.csv.results.csv.pgp')]);
      expect(readResults(read).every(({ outcome }) => outcome === 'delivered')).toBe(true);
      expect(readResults(read)).toHaveLength(COUNT);
    } finally {
      gpg.close();
    }
  });

  it('the same rows encrypted again, or dropped within gzip, are the same file', async () => {
    job();
    const text = csv(rows('A', 5));
    world.drop('one.csv.pgp', await encryptTo(ours, text, { signedBy: partner }), 90);
    world.drop('two.csv.pgp', await encryptTo(ours, text, { signedBy: partner }), 80);
    world.drop('three.csv.gz.pgp', await encryptTo(ours, gzipSync(text), { signedBy: partner }), 70);
    const { run: account } = await run();
    expect(account.files.map(({ delivered, duplicate }) => [delivered, duplicate])).toEqual([
      [5, 0],
      [0, 5],
      [0, 5],
    ]);
    expect(new Set(account.files.map(({ sha256 }) => sha256)).size).toBe(1);
    expect(world.requests()).toHaveLength(5);
  });

  it('I25, I26: what is not whole, not for us, or not from the partner is refused by name, and nothing leaves', async () => {
    job();
    const stranger = await makeKeys(world.root, 'stranger');
    const text = csv(rows('A', 2000));
    const good = await encryptTo(ours, text, { signedBy: partner });
    const armored = await encryptTo(ours, text, { signedBy: partner, armored: true });
    const flipped = Buffer.from(good);
    flipped[good.length - 5000] = (flipped[good.length - 5000] ?? 0) ^ 1;
    const cases: [string, Buffer | string, string, RegExp][] = [
      ['wrong-key.csv.pgp', await encryptTo(stranger, text, { signedBy: partner }), 'PGP_WRONG_KEY', /[0-9A-F]{16}/],
      ['plain.csv', text, 'PGP_MISSING', /not a PGP message/],
      ['unsigned.csv.pgp', await encryptTo(ours, text), 'PGP_UNSIGNED', new RegExp(partner.id)],
      ['forged.csv.pgp', await encryptTo(ours, text, { signedBy: stranger }), 'PGP_SIGNATURE', new RegExp(partner.id)],
      ['cut.csv.pgp', good.subarray(0, good.length - 30), 'PGP_BROKEN', /breaks off/],
      ['cut-early.csv.pgp', good.subarray(0, 60), 'PGP_BROKEN', /breaks off/],
      ['changed.csv.pgp', flipped, 'PGP_BROKEN', /[Mm]odification|damaged/],
      ['twice.csv.pgp', Buffer.concat([good, good]), 'PGP_BROKEN', /follows the end/],
      ['cut.csv.asc', armored.subarray(0, armored.length - 40), 'PGP_BROKEN', /breaks off/],
      ['twice.csv.asc', Buffer.concat([armored, armored]), 'PGP_BROKEN', /follows the end/],
    ];
    for (const [i, [name, bytes]] of cases.entries()) world.drop(name, bytes, 90 - i);
    const { code, run: account } = await run();
    expect(account.files.map(({ path, state, code: why }) => [path, state, why])).toEqual(
      cases.map(([name, , why]) => [name, 'refused', why]),
    );
    expect(code).toBe(3);
    for (const [name, , why, message] of cases) {
      const told = world.read(
        `results/${name.replace(/\.(pgp|asc)$/, '')}.results${name.endsWith('twice.csv.asc') || name === 'cut.csv.asc' ? '.r2' : ''}.csv`,
      );
      expect(told.toString()).toContain(why);
      expect(told.toString()).toMatch(message);
    }
    expect(world.requests()).toEqual([]);
    expect(world.files('refused')).toHaveLength(cases.length);
    expect(filesWith(world.state, CANARIES)).toEqual([]);
  });

  it('a file that comes encrypted where the job has no key is refused, and says what to set', async () => {
    world.job('feed', { source: { match: '*' } });
    world.drop('a.csv.pgp', await encryptTo(ours, csv(rows('A', 3))), 80);
    world.drop('b.csv.asc', await encryptTo(ours, csv(rows('A', 3)), { armored: true }), 70);
    const { run: account } = await run();
    expect(account.files.map(({ code }) => code)).toEqual(['PGP_UNEXPECTED', 'PGP_UNEXPECTED']);
    expect(world.read('results/a.csv.results.csv').toString()).toContain('file.pgp.privateKey');
  });

  it('no row of it lies decrypted on the disk, wherever the process dies', async () => {
    job({ report: { encryptTo: fromFile(partner.public) }, delivery: { window: 4, unknown: 'resend' } });
    world.drop('a.csv.pgp', await encryptTo(ours, csv([...list(), ...rows('B', 12)]), { signedBy: partner }));
    const env = { PGP_PASSPHRASE: PASSPHRASE };
    for (const point of [
      'staged:1',
      'claimed-file:1',
      'sealed:1',
      'committed:2',
      'publication-planned:1',
      'published:1',
    ]) {
      const { signal, stderr } = await world.cli(['run', 'feed', '--json'], { ...env, REFERRY_CRASH_AT: point });
      expect(signal, `${point}: ${stderr}`).toBe('SIGKILL');
      expect(filesWith(world.state, CANARIES), point).toEqual([]);
      expect(filesWith(world.served, CANARIES), point).toEqual([]);
    }
    const { run: account } = await run();
    expect(account).toMatchObject({ delivered: 17, rejected: 1, balanced: true });
    const explained = await world.cli(['explain', 'B-0003', '--json'], env);
    expect(explained.code).toBe(0);
    expect(explained.stdout).toContain('a.csv.pgp');
    // The results were published before the last death: the same bytes again, and no second revision.
    expect(world.files('results')).toEqual(['a.csv.results.csv.pgp']);
    expect(readResults(await opened(world.read('results/a.csv.results.csv.pgp'), partner))).toHaveLength(18);
    expect(filesWith(world.state, CANARIES)).toEqual([]);
  });

  it('a key that is gone while a file is open makes the file wait, and is named', async () => {
    job({ delivery: { window: 2, unknown: 'resend' } });
    world.drop('a.csv.pgp', await encryptTo(ours, csv(rows('A', 6)), { signedBy: partner }));
    const env = { PGP_PASSPHRASE: PASSPHRASE };
    await world.cli(['run', 'feed', '--json'], { ...env, REFERRY_CRASH_AT: 'committed:2' });
    const other = await makeKeys(world.root, 'other');
    world.job('feed', { source: { match: '*.csv*' }, file: { pgp: { privateKey: fromFile(other.secret) } } });
    const { run: waiting } = await run();
    expect(waiting.notices).toMatchObject([
      { code: 'PGP_KEY_GONE', message: expect.stringMatching(/encrypted to the key [0-9A-F]{16}/) },
    ]);
    expect(waiting.seen.open).toBe(1);
    world.job('feed', {
      source: { match: '*.csv*' },
      file: { pgp: pgp({ privateKey: [fromFile(other.secret), fromFile(ours.secret)] }) },
      delivery: { unknown: 'resend' },
    });
    const { run: account } = await run();
    expect(account).toMatchObject({ delivered: 6, open: 0, balanced: true });
  });

  it('dry-run, check and doctor read encrypted files and their keys, and never show a secret', async () => {
    job({ report: { encryptTo: fromFile(partner.public) } });
    world.drop('a.csv.pgp', await encryptTo(ours, csv(list()), { signedBy: partner }));
    const env = { PGP_PASSPHRASE: PASSPHRASE };
    const dry = await world.cli(['run', 'feed', '--dry-run', '--json'], env);
    expect(dry.json()).toMatchObject({ files: [{ name: 'a.csv.pgp', read: 6, wouldSend: 5, rejected: 1 }] });
    const doctor = await world.cli(['doctor', 'feed'], env);
    expect(doctor.stdout).toContain(ours.id);
    expect(doctor.stdout).toMatch(/ok\s+results key/);
    const locked = await world.cli(['doctor', 'feed'], { PGP_PASSPHRASE: 'another one' });
    expect(locked.code).toBe(2);
    expect(locked.stdout).toContain('passphrase does not open');
    expect(locked.stdout + locked.stderr + doctor.stdout).not.toMatch(/another one|PRIVATE KEY BLOCK-----/);
    const halted = await world.run('feed', { PGP_PASSPHRASE: 'another one' });
    expect(halted.run.halted?.code).toBe('PGP_KEY_UNUSABLE');

    writeFileSync(join(world.root, 'broken.asc'), '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nnonsense\n', {
      mode: 0o600,
    });
    world.job('feed', { file: { pgp: pgp({ privateKey: fromFile(join(world.root, 'broken.asc')) }) } });
    const check = await world.cli(['check'], env);
    expect(check.code).toBe(2);
    expect(check.stdout).toContain('file.pgp.privateKey');
    expect(check.stdout).not.toContain('nonsense');
  });
});

describe('the programs that stand on the other side', () => {
  it('are there where everything is required', () => {
    if (process.env.REFERRY_REQUIRE_ALL !== '1') return;
    expect(spawnSync('gpg', ['--version']).status).toBe(0);
  });
});
