import { createCipheriv, randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  config,
  createMessage,
  encrypt,
  encryptSessionKey,
  enums,
  generateKey,
  type PrivateKey,
  reformatKey,
  revokeKey,
  sign,
} from 'openpgp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZipFile } from 'yazl';
import { filesWith, type KeyFiles, makeKeys } from '../integration/support/e2e-pgp.ts';
import { csv, row } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { fromFile } from '../integration/support/usual-job.ts';
import { expectCase, type InputCase, keyMark, putThrough, type TableRun } from './support/input-table.ts';

/** Enough rows that a packed file has all of them readable before its end. */
const COUNT = 40;
const text = (name: string): string => csv(Array.from({ length: COUNT }, (_, i) => row(`${keyMark(name)}${i}`)));
const ALL = Array.from({ length: COUNT }, (_, i) => `${i + 2} delivered`);
const packed = (name: string): Buffer => gzipSync(text(name));
const bombText = `${csv([row('bomb-1')])}${'a'.repeat(30_000_000)}`;

async function zip(entries: readonly (readonly [name: string, contents: string | Buffer])[]): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, contents] of entries) file.addBuffer(Buffer.from(contents), name);
  file.end();
  const chunks: Buffer[] = [];
  for await (const chunk of file.outputStream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const gz = (what: string, name: string, change: (whole: Buffer) => Buffer, code: string): InputCase => ({
  title: `I24: ${what}: nothing is sent, although rows could be read`,
  name,
  bytes: change(packed(name)),
  refused: { code },
});

const GZIP: InputCase[] = [
  gz('cut in the middle', 'half.csv.gz', (b) => b.subarray(0, b.length / 2), 'GZIP_TRUNCATED'),
  gz('cut before its checksum', 'nocrc.csv.gz', (b) => b.subarray(0, -8), 'GZIP_TRUNCATED'),
  gz('cut within its length', 'nolength.csv.gz', (b) => b.subarray(0, -1), 'GZIP_TRUNCATED'),
  gz('only its header', 'onlyhead.csv.gz', (b) => b.subarray(0, 10), 'GZIP_TRUNCATED'),
  gz(
    'a wrong checksum',
    'badcrc.csv.gz',
    (b) => Buffer.from(b.map((byte, i) => (i === b.length - 6 ? byte ^ 1 : byte))),
    'GZIP_CORRUPT',
  ),
  gz(
    'a wrong length',
    'badlength.csv.gz',
    (b) => Buffer.from(b.map((byte, i) => (i === b.length - 2 ? byte ^ 1 : byte))),
    'GZIP_CORRUPT',
  ),
  gz('garbage behind it', 'garbage.csv.gz', (b) => Buffer.concat([b, Buffer.from('garbage')]), 'GZIP_CORRUPT'),
  gz('a second member cut', 'secondcut.csv.gz', (b) => Buffer.concat([b, b.subarray(0, -4)]), 'GZIP_TRUNCATED'),
  {
    title: 'I24: several members and zeros at the end are read',
    name: 'members.csv.gz',
    bytes: Buffer.concat([
      gzipSync(text('members').slice(0, 1000)),
      gzipSync(text('members').slice(1000)),
      Buffer.alloc(512),
    ]),
    fates: ALL,
  },
  {
    title: 'I24: gzip is known by its first bytes: under another name',
    name: 'bare.csv',
    bytes: packed('bare'),
    fates: ALL,
  },
  {
    title: 'I24: and a plain file called .gz is read as it is, with a notice',
    name: 'plain.csv.gz',
    bytes: text('plain'),
    fates: ALL,
    notices: ['NOT_GZIP'],
  },
  {
    title: 'I23: a gzip bomb is given up early',
    name: 'bomb.csv.gz',
    bytes: gzipSync(bombText),
    refused: { code: 'DECOMPRESSION_BOMB', says: /200 times.*file\.limits\.ratio/ },
  },
  {
    title: 'I23: gzip in gzip',
    name: 'nested.csv.gz',
    bytes: gzipSync(packed('nested')),
    refused: { code: 'NESTED_GZIP' },
  },
];

const zips = async (): Promise<InputCase[]> => [
  {
    title: 'I23: a zip bomb',
    name: 'zipbomb.zip',
    bytes: await zip([['a.csv', `${bombText} `]]),
    refused: { code: 'DECOMPRESSION_BOMB' },
  },
  {
    title: 'I23: zip in zip',
    name: 'zipzip.zip',
    bytes: await zip([['b.zip', await zip([['a.csv', text('zipzip')]])]]),
    refused: { code: 'NOT_TEXT' },
  },
  {
    title: 'I23: gzip in zip',
    name: 'gzinzip.zip',
    bytes: await zip([['a.csv.gz', packed('gzinzip')]]),
    refused: { code: 'NESTED_GZIP' },
  },
  {
    title: 'I24: a zip that is cut',
    name: 'cut.zip',
    bytes: (await zip([['a.csv', text('cut')]])).subarray(0, -10),
    refused: { code: 'ZIP_BROKEN' },
  },
  {
    title: 'I29: a path in a zip leads nowhere',
    name: 'climbs.zip',
    bytes: Buffer.from(
      (await zip([['aa/aa/climbs.csv', text('climbs')]])).toString('latin1').replaceAll('aa/aa/', '../../'),
      'latin1',
    ),
    fates: ALL,
  },
];

describe('packed files, put through the whole product', () => {
  let world: World;
  let table: TableRun;
  let cases: InputCase[] = [];
  beforeAll(async () => {
    world = await openWorld();
    world.job('feed', { source: { match: '*.{csv,gz,zip}' }, delivery: PATIENT });
    cases = [...GZIP, ...(await zips())];
    table = await putThrough(world, 'feed', cases);
  });
  afterAll(() => world.close());

  for (const each of GZIP) it(each.title, () => expectCase(each, table));

  it('I23, I24: zip archives: bombs, nests, cuts', () => {
    for (const each of cases.filter(({ name }) => name.endsWith('.zip'))) expectCase(each, table);
  });

  it('I23, I24: nothing of a refused file is left in the staging', () => {
    expect(world.requests()).toHaveLength(table.run.delivered);
    const left = readdirSync(join(world.state, 'staging')).filter((name) => /^p\d+$/.test(name));
    expect(left).toHaveLength(table.run.files.filter(({ state }) => state === 'processed').length);
  });
});

describe('encrypted files, put through the whole product', () => {
  let world: World;
  let table: TableRun;
  let cases: InputCase[] = [];
  beforeAll(async () => {
    world = await openWorld();
    const [ours, partner, stranger, leaver] = await Promise.all(
      ['ours', 'partner', 'stranger', 'leaver'].map((name) => makeKeys(world.root, name)),
    );
    if (!ours || !partner || !stranger || !leaver) throw new Error('no keys');
    await revoke(leaver);
    const expired = await makeExpired(world.root);
    world.job('feed', {
      source: { match: '*.pgp' },
      file: {
        pgp: { privateKey: fromFile(ours.secret), signer: [partner.public, leaver.public, expired.path].map(fromFile) },
      },
      delivery: PATIENT,
    });
    cases = await encryptedCases({ ours, partner, stranger, leaver, expired });
    table = await putThrough(world, 'feed', cases);
  });
  afterAll(() => world.close());

  const of = (name: string): void => {
    const found = cases.find((each) => each.name === `${name}.csv.pgp`);
    if (!found) throw new Error(`no ${name}`);
    expectCase(found, table);
  };

  it('I23: a bomb within PGP is given up early, as its own compression, as gzip, as zip', () =>
    ['ownbomb', 'gzbomb', 'zipbomb'].forEach(of));
  it('I25: a signature by a revoked key, or from after its key expired, does not count; one from before does', () =>
    ['revoked', 'afterexpiry', 'beforeexpiry'].forEach(of));
  it('I26: a message without protection against changes is refused, whatever it decrypts to', () => of('unprotected'));
  it('I26: so is one that was changed, or breaks off', () => ['changed', 'cut'].forEach(of));
  it('I27: an unknown signer, no signature, and two that are both unknown are refused by key id; one good one of two is enough', () =>
    ['unknown', 'unsigned', 'twounknown', 'oneoftwo'].forEach(of));
  it('I28: the file name inside a message is ignored', () => of('named'));

  it('I26: nothing of what was decrypted and refused lies on our disk', () => {
    expect(world.requests()).toHaveLength(table.run.delivered);
    const marks = cases.filter(({ refused }) => refused).map(({ name }) => keyMark(name).toLowerCase());
    expect(
      filesWith(
        world.state,
        marks.map((mark) => `${mark}1@private.example`),
      ),
    ).toEqual([]);
  });
});

interface Keys {
  ours: KeyFiles;
  partner: KeyFiles;
  stranger: KeyFiles;
  leaver: KeyFiles;
  expired: Awaited<ReturnType<typeof makeExpired>>;
}

async function encryptedCases({ ours, partner, stranger, leaver, expired }: Keys): Promise<InputCase[]> {
  const make = async (
    contents: string | Buffer,
    signers: readonly PrivateKey[],
    more: { filename?: string; compressed?: boolean; date?: Date } = {},
  ): Promise<Buffer> => {
    const binary = new Uint8Array(Buffer.from(contents));
    const message = await createMessage(more.filename === undefined ? { binary } : { binary, filename: more.filename });
    const { date } = more;
    const signed = date ? await sign({ message, signingKeys: [...signers], date, format: 'object' }) : message;
    const encrypted = await encrypt({
      message: signed,
      encryptionKeys: ours.publicKey,
      ...(date ? {} : { signingKeys: [...signers] }),
      format: 'binary',
      ...(more.compressed ? { config: { ...config, preferredCompressionAlgorithm: enums.compression.zlib } } : {}),
    });
    return Buffer.from(encrypted);
  };
  const good = [partner.privateKey];
  const refusedAs = (code: string, says?: RegExp) => ({ refused: { code, ...(says ? { says } : {}) } });
  const named = (name: string, bytes: Buffer, more: Partial<InputCase>): InputCase => ({
    title: name,
    name: `${name}.csv.pgp`,
    bytes,
    ...more,
  });
  const changed = await make(text('changed'), good);
  changed[changed.length - 1500] = (changed[changed.length - 1500] ?? 0) ^ 1;
  return [
    named('ownbomb', await make(bombText, good, { compressed: true }), refusedAs('DECOMPRESSION_BOMB')),
    named('gzbomb', await make(gzipSync(`${bombText}b`), good), refusedAs('DECOMPRESSION_BOMB')),
    named('zipbomb', await make(await zip([['a.csv', `${bombText}c`]]), good), refusedAs('DECOMPRESSION_BOMB')),
    named(
      'revoked',
      await make(text('revoked'), [leaver.privateKey]),
      refusedAs('PGP_SIGNATURE', new RegExp(leaver.id)),
    ),
    named(
      'afterexpiry',
      await make(text('afterexpiry'), [expired.renewed]),
      refusedAs('PGP_SIGNATURE', new RegExp(expired.id)),
    ),
    named('beforeexpiry', await make(text('beforeexpiry'), [expired.old], { date: new Date(Date.now() - 7 * DAY) }), {
      and: ({ sent }) => expect(sent).toHaveLength(COUNT),
    }),
    named('unprotected', await unprotected(ours, text('unprotected')), refusedAs('PGP_BROKEN')),
    named('changed', changed, refusedAs('PGP_BROKEN')),
    named('cut', (await make(text('cut'), good)).subarray(0, -40), refusedAs('PGP_BROKEN', /breaks off/)),
    named(
      'unknown',
      await make(text('unknown'), [stranger.privateKey]),
      refusedAs('PGP_SIGNATURE', new RegExp(stranger.id)),
    ),
    named('unsigned', await make(text('unsigned'), []), refusedAs('PGP_UNSIGNED', new RegExp(partner.id))),
    named(
      'twounknown',
      await make(text('twounknown'), [stranger.privateKey, leaver.privateKey]),
      refusedAs('PGP_SIGNATURE', new RegExp(`${stranger.id}.*${leaver.id}|${leaver.id}.*${stranger.id}`)),
    ),
    named('oneoftwo', await make(text('oneoftwo'), [stranger.privateKey, partner.privateKey]), {
      and: ({ sent }) => expect(sent).toHaveLength(COUNT),
    }),
    named('named', await make(text('named'), good, { filename: '../../etc/x' }), {
      and: ({ sent }) => expect(sent).toHaveLength(COUNT),
    }),
  ];
}

/** As in the time before modification codes: the data encrypted, and nothing that would show a change. */
async function unprotected(to: KeyFiles, contents: string): Promise<Buffer> {
  const key = randomBytes(32);
  const sessionKey = await encryptSessionKey({
    data: new Uint8Array(key),
    algorithm: 'aes256',
    encryptionKeys: to.publicKey,
    format: 'binary',
  });
  const literal = packet(11, Buffer.concat([Buffer.from([98, 0, 0, 0, 0, 0]), Buffer.from(contents)]));
  const start = randomBytes(16);
  const first = cfb(key, Buffer.alloc(16), Buffer.concat([start, start.subarray(14)]));
  return Buffer.concat([
    Buffer.from(sessionKey),
    packet(9, Buffer.concat([first, cfb(key, first.subarray(2), literal)])),
  ]);
}

function cfb(key: Buffer, iv: Buffer, data: Buffer): Buffer {
  return createCipheriv('aes-256-cfb', key, iv).update(data);
}

function packet(tag: number, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([Buffer.from([0xc0 | tag, 0xff]), length, body]);
}

const DAY = 86_400_000;

/** A signer whose public key, as the job has it, expired five days ago, and who signs on with a renewed one. */
async function makeExpired(
  folder: string,
): Promise<{ path: string; old: PrivateKey; renewed: PrivateKey; id: string }> {
  const date = new Date(Date.now() - 10 * DAY);
  const userIDs = [{ name: 'expired' }];
  const { privateKey, publicKey } = await generateKey({
    type: 'ecc',
    userIDs,
    date,
    keyExpirationTime: 5 * 86_400,
    format: 'object',
  });
  const renewed = await reformatKey({ privateKey, userIDs, date: new Date(Date.now() - 1000), format: 'object' });
  const path = join(folder, 'expired.public.asc');
  writeFileSync(path, publicKey.armor());
  return { path, old: privateKey, renewed: renewed.privateKey, id: publicKey.getKeyID().toHex().toUpperCase() };
}

/** Puts the revoked form of the public key where the job finds it; the private key signs on. */
async function revoke(keys: KeyFiles): Promise<void> {
  const { publicKey } = await revokeKey({ key: keys.privateKey, format: 'object' });
  writeFileSync(keys.public, publicKey.armor());
}
