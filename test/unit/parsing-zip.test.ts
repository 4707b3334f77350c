import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { createMessage, encrypt, generateKey, type PrivateKey, type PublicKey } from 'openpgp';
import { beforeAll, describe, expect, it } from 'vitest';
import yazl from 'yazl';
import { createLog, realIo } from '../../src/io.ts';
import type { PgpKeys } from '../../src/parsing/pgp-keys.ts';
import { readPlaintext } from '../../src/parsing/plaintext.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { all, read, refused, stage } from './parsing-staging.ts';

const plain = `id,name\n${Array.from({ length: 3000 }, (_, i) => `A-${i},person ${(i * 7919) % 1009}`).join('\n')}\n`;

type Entry = [name: string, contents: string, options?: Partial<yazl.Options>];

async function zip(
  entries: readonly Entry[],
  options: yazl.EndOptions = { forceZip64Format: false, comment: '' },
): Promise<Buffer> {
  const file = new yazl.ZipFile();
  for (const [name, contents, how] of entries) {
    if (name.endsWith('/')) file.addEmptyDirectory(name);
    else file.addBuffer(Buffer.from(contents), name, how);
  }
  file.end(options);
  const parts: Buffer[] = [];
  for await (const part of file.outputStream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

/** Changes a field of the first record of the archive's directory. */
function patched(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const place = copy.indexOf(Buffer.from('504b0102', 'hex')) + at;
  copy[place] = change(copy[place] ?? 0);
  return copy;
}

describe('zip', () => {
  it.each<[string, Entry[], yazl.EndOptions?]>([
    ['compressed', [['a.csv', plain]]],
    ['stored', [['a.csv', plain, { compress: false }]]],
    ['in the zip64 format', [['a.csv', plain, { forceZip64Format: true }]], { forceZip64Format: true, comment: '' }],
    [
      'beside folders and what macOS adds',
      [
        ['in/', ''],
        ['in/a.csv', plain],
        ['__MACOSX/._a.csv', 'x'],
        ['in/.DS_Store', 'x'],
      ],
    ],
  ])('one entry is read, %s', async (_, entries, options) => {
    const bytes = await zip(entries, options);
    const { values, summary } = await read(bytes, { name: 'partner.csv.zip' });
    expect(values[2]).toEqual(['A-2', `person ${(2 * 7919) % 1009}`]);
    expect(summary).toMatchObject({ rows: 3000, format: 'csv' });
    const sha = createHash('sha256');
    for (const chunk of await all(readPlaintext(stage(bytes), fileSettings.parse({})))) sha.update(chunk);
    expect(sha.digest('hex')).toBe(createHash('sha256').update(plain).digest('hex'));
  });

  it('a path in it leads nowhere: the name of the entry is never used', async () => {
    const bytes = await zip([['aa/a.csv', plain]]);
    const climbing = Buffer.from(bytes.toString('latin1').replaceAll('aa/a.csv', '../a.csv'), 'latin1');
    expect((await read(climbing, { name: 'x.csv' })).rows).toHaveLength(3000);
  });

  it('several files, or none, are refused, and named', async () => {
    const two = await refused(
      await zip([
        ['a.csv', plain],
        ['b.csv', plain],
      ]),
    );
    expect(two).toMatchObject({ code: 'ZIP_ENTRIES', message: expect.stringContaining('2 files ("a.csv", "b.csv")') });
    expect(await refused(await zip([['only/', '']]))).toMatchObject({ code: 'ZIP_ENTRIES' });
    expect(await refused(await zip([]))).toMatchObject({
      code: 'ZIP_ENTRIES',
      message: expect.stringContaining('no file'),
    });
    const office = await refused(
      await zip([
        ['[Content_Types].xml', '<x/>'],
        ['xl/workbook.xml', '<x/>'],
      ]),
    );
    expect(office).toMatchObject({ code: 'NOT_TEXT', message: expect.stringContaining('Excel') });
  });

  it('one with a password is refused', async () => {
    const bytes = await zip([['a.csv', plain]]);
    expect(await refused(patched(bytes, 8, (flags) => flags | 1))).toMatchObject({ code: 'ZIP_ENCRYPTED' });
  });

  it('damage is found before a row counts: checksum, contents, end', async () => {
    const bytes = await zip([['a.csv', plain]]);
    const badSum = await refused(patched(bytes, 16, (byte) => byte ^ 1));
    expect(badSum).toMatchObject({ code: 'ZIP_BROKEN', message: expect.stringContaining('checksum') });
    expect(await refused(bytes.subarray(0, bytes.length - 30))).toMatchObject({ code: 'ZIP_BROKEN' });
    const flipped = Buffer.from(bytes);
    flipped[2000] = (flipped[2000] ?? 0) ^ 64;
    expect(await refused(flipped)).toMatchObject({ code: 'ZIP_BROKEN' });
  });

  it('I23: a bomb is refused early; zip within zip is refused', async () => {
    const bomb = await zip([['a.csv', `id,name\n${'1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(250_000)}`]]);
    expect(await refused(bomb)).toMatchObject({ code: 'DECOMPRESSION_BOMB' });
    const nested = await zip([['b.zip', (await zip([['a.csv', plain]])).toString('latin1')]]);
    expect(await refused(nested)).toMatchObject({ code: 'NOT_TEXT' });
    expect(await refused(await zip([['a.gz', 'x']]).then((inner) => gzipSync(inner)))).toMatchObject({
      code: 'NOT_TEXT',
    });
  });
});

describe('within PGP', () => {
  const DAY = 86_400_000;
  let keys: PgpKeys;
  let pair: { privateKey: PrivateKey; publicKey: PublicKey };
  let encrypted: (contents: Buffer) => Promise<Buffer>;

  beforeAll(async () => {
    const { privateKey, publicKey } = await generateKey({ type: 'ecc', userIDs: [{ name: 'x' }], format: 'object' });
    pair = { privateKey, publicKey };
    keys = {
      decryption: [privateKey],
      signers: [],
      requireSignature: false,
      signedBefore: Date.now() + DAY,
      sleep: realIo(createLog('silent')).sleep,
    };
    encrypted = async (contents) => {
      const message = await createMessage({ binary: new Uint8Array(contents) });
      return Buffer.from(await encrypt({ message, encryptionKeys: publicKey, format: 'binary' }));
    };
  });

  const contentsOf = async (bytes: Buffer) => {
    const staged = { ...stage(bytes), keys };
    return Buffer.concat(await all(readPlaintext(staged, fileSettings.parse({})))).toString();
  };

  it('gzip and zip are unpacked, and what follows the packed data is found', async () => {
    expect(await contentsOf(await encrypted(Buffer.from(plain)))).toBe(plain);
    expect(await contentsOf(await encrypted(gzipSync(plain)))).toBe(plain);
    expect(await contentsOf(await encrypted(await zip([['a.csv', plain]])))).toBe(plain);
    const appended = Buffer.concat([gzipSync(plain), Buffer.from('garbage')]);
    await expect(contentsOf(await encrypted(appended))).rejects.toMatchObject({ code: 'GZIP_CORRUPT' });
  });

  it('a change behind the packed data is found as well: the message is read to its end', async () => {
    const padded = await encrypted(Buffer.concat([gzipSync(plain), Buffer.alloc(100_000)]));
    padded[padded.length - 500] = (padded[padded.length - 500] ?? 0) ^ 1;
    await expect(contentsOf(padded)).rejects.toMatchObject({
      code: expect.stringMatching(/^(PGP_BROKEN|GZIP_CORRUPT)$/),
    });
  });

  it('I23: a bomb inside is refused early', async () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000, 'a'));
    await expect(contentsOf(await encrypted(bomb))).rejects.toMatchObject({ code: 'DECOMPRESSION_BOMB' });
  });

  it('a second layer of PGP is refused', async () => {
    const twice = await encrypted(await encrypted(Buffer.from(plain)));
    const { openRows } = await import('../../src/parsing/open.ts');
    await expect(openRows({ ...stage(twice), keys }, fileSettings.parse({}), [])).rejects.toMatchObject({
      code: 'PGP_UNEXPECTED',
    });
  });

  it('a signature is good also where the clock of the sender is ahead of ours, by hours and not by days', async () => {
    const signed = async (ahead: number) => {
      const message = await createMessage({ binary: new Uint8Array(Buffer.from(plain)) });
      const date = new Date(Date.now() + ahead);
      const both = { encryptionKeys: pair.publicKey, signingKeys: pair.privateKey };
      return { ...stage(Buffer.from(await encrypt({ message, ...both, date, format: 'binary' }))), keys: wanted };
    };
    const wanted = { ...keys, signers: [pair.publicKey], requireSignature: true };
    const settings = fileSettings.parse({});
    expect(Buffer.concat(await all(readPlaintext(await signed(DAY / 4), settings))).toString()).toBe(plain);
    await expect(all(readPlaintext(await signed(3 * DAY), settings))).rejects.toMatchObject({ code: 'PGP_SIGNATURE' });
  });

  it('text that merely starts like a packet is text', async () => {
    for (const first of ['Ápellido,id', '…,id', 'Ã,id'])
      expect(
        (await read(Buffer.from(`${first}\n1,2\n`, 'latin1'), { file: { charset: 'windows-1252' } })).rows,
      ).toHaveLength(1);
  });
});
