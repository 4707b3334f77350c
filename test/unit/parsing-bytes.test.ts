import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Charset, toUtf8 } from '../../src/parsing/charset.ts';
import { readPlaintext } from '../../src/parsing/plaintext.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { all, inPieces, read, refused, stage, textOf } from './parsing-staging.ts';

const TEXT = 'id,name\n1,Zoë\n2,😀\n';
const VALUES = [
  ['1', 'Zoë'],
  ['2', '😀'],
];

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

describe('the charset', () => {
  it.each([
    ['I01: UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`), 'utf-8', 'auto'],
    ['UTF-8 without one', Buffer.from(TEXT), 'utf-8', 'utf-8'],
    ['I02: UTF-16LE with a mark', Buffer.from(`\ufeff${TEXT}`, 'utf16le'), 'utf-16le', 'auto'],
    ['I02: UTF-16BE with a mark', utf16be(`\ufeff${TEXT}`), 'utf-16be', 'auto'],
    ['I02: UTF-16LE declared, without a mark', Buffer.from(TEXT, 'utf16le'), 'utf-16le', 'utf-16le'],
    ['I02: UTF-16BE declared, with a mark', utf16be(`\ufeff${TEXT}`), 'utf-16be', 'utf-16be'],
  ])('%s is read, and gives the same offsets in UTF-8', async (_, bytes, charset, declared) => {
    const result = await read(bytes, { file: { charset: declared } });
    expect(result.columns).toEqual(['id', 'name']);
    expect(result.values).toEqual(VALUES);
    expect(result.summary).toMatchObject({ charset, bytes: Buffer.byteLength(TEXT) });
    expect((await textOf(result)).toString()).toBe(TEXT);
    expect((await textOf(result, 8)).toString()).toBe(TEXT.slice(8));
  });

  it('I03: Windows-1252 is read where declared, and refused with its place where not', async () => {
    const bytes = Buffer.from('id,name\n1,x\n2,\x80 caf\xe9\n', 'latin1');
    expect((await read(bytes, { file: { charset: 'windows-1252' } })).values[1]).toEqual(['2', '€ café']);
    const refusal = await refused(bytes);
    expect(refusal).toMatchObject({ code: 'ENCODING', line: 3, hint: expect.stringContaining('windows-1252') });
    expect(refusal.message).toContain('line 3, byte 14 of the file: 0x80 is not valid UTF-8');
  });

  it('I03: the line of a bad byte is counted for every kind of line end', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(['id', '1', '\xe9', '2'].join(end), 'latin1');
      expect(await refused(bytes)).toMatchObject({ code: 'ENCODING', line: 3 });
    }
  });

  it('I03: bytes that Windows-1252 leaves undefined are refused', async () => {
    const bytes = Buffer.from([...Buffer.from('id\n'), 0x81, 0x0a]);
    expect(await refused(bytes, { file: { charset: 'windows-1252' } })).toMatchObject({ code: 'ENCODING', line: 2 });
  });

  it('I02: UTF-16 without a mark is refused with a hint', async () => {
    expect((await refused(Buffer.from(TEXT, 'utf16le'))).hint).toContain('file.charset: utf-16le');
    expect((await refused(utf16be(TEXT))).hint).toContain('file.charset: utf-16be');
  });

  it('broken UTF-16 is refused with its place', async () => {
    const marked = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');
    const lone = await refused(marked('id\r\n1\n\ud83dx\n'));
    expect(lone).toMatchObject({ code: 'ENCODING', line: 3 });
    expect(lone.message).toContain('byte 14');
    expect(await refused(marked('id\n1\n').subarray(0, -1))).toMatchObject({ code: 'ENCODING', line: 2 });
    expect(await refused(marked('id\n1\n\ud83d'))).toMatchObject({ code: 'ENCODING', line: 3 });
  });

  it('a byte order mark that contradicts the declaration is refused', async () => {
    expect(await refused(`\ufeff${TEXT}`, { file: { charset: 'windows-1252' } })).toMatchObject({ code: 'ENCODING' });
    expect(await refused(Buffer.from('fffe000041000000', 'hex'))).toMatchObject({ code: 'ENCODING' });
  });

  it('a character cut off by the end of the file is refused', async () => {
    expect(await refused(Buffer.from('id\n1\né').subarray(0, -1))).toMatchObject({ code: 'ENCODING', line: 3 });
  });

  it('reads the same wherever the bytes are cut', async () => {
    const cases: [Charset, Buffer][] = [
      ['utf-8', Buffer.from('aé€😀b')],
      ['utf-16le', Buffer.from('aé€😀b', 'utf16le')],
      ['utf-16be', utf16be('aé€😀b')],
      ['windows-1252', Buffer.from('a\x80\xe9', 'latin1')],
    ];
    for (const [charset, bytes] of cases) {
      for (let size = 1; size <= bytes.length; size++) {
        const text = Buffer.concat(await all(toUtf8(inPieces(bytes, size), charset))).toString();
        expect(text).toBe(charset === 'windows-1252' ? 'a€é' : 'aé€😀b');
      }
    }
  });

  it('never lets through what is not UTF-8, and finds the first bad byte, wherever the bytes are cut', async () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const valid = (bytes: Uint8Array): boolean => {
      try {
        decoder.decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    const bytes = fc.array(
      fc.constantFrom(0x41, 0x80, 0xbf, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xed, 0xf0, 0x9f, 0x98, 0xff),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 5 }), async (list, size) => {
        const buffer = Buffer.from(list);
        const result = await all(toUtf8(inPieces(buffer, size), 'utf-8')).catch((error: unknown) => error);
        if (valid(buffer)) expect(result).toEqual(expect.any(Array));
        else {
          expect(result).toMatchObject({ name: 'BadBytes', offset: expect.any(Number) });
          if (result instanceof Error && 'offset' in result) {
            expect(valid(buffer.subarray(0, Number(result.offset)))).toBe(true);
          }
        }
      }),
    );
  });
});

describe('gzip', () => {
  const plain = `id,name\n${Array.from({ length: 3000 }, (_, i) => `${i},name ${i * 7919}\n`).join('')}`;
  const packed = gzipSync(plain);

  it('I24: is recognised by its first bytes, not by the name', async () => {
    expect((await read(packed, { name: 'a.csv' })).summary).toMatchObject({ rows: 3000, bytes: plain.length });
    const misnamed = await read(plain, { name: 'a.csv.gz' });
    expect(misnamed.summary).toMatchObject({ rows: 3000, notices: [{ code: 'NOT_GZIP' }] });
  });

  it('I24: may have several members and end in zeros', async () => {
    const [first, second] = [gzipSync(plain.slice(0, 10_001)), gzipSync(plain.slice(10_001))];
    expect((await read(Buffer.concat([first, second]))).summary.rows).toBe(3000);
    expect((await read(Buffer.concat([first, second, Buffer.alloc(600)]))).summary.rows).toBe(3000);
  });

  it('gives the same rows and offsets as the plain file', async () => {
    const result = await read(packed);
    expect(result.rows).toEqual((await read(plain)).rows);
    expect((await textOf(result, 9000)).toString()).toBe(plain.slice(9000));
  });

  it.each([
    ['cut in the middle', packed.subarray(0, packed.length / 2), 'GZIP_TRUNCATED'],
    ['cut in its checksum', packed.subarray(0, -3), 'GZIP_TRUNCATED'],
    ['cut before its checksum, all rows readable', packed.subarray(0, -8), 'GZIP_TRUNCATED'],
    ['cut in a second member', Buffer.concat([packed, packed.subarray(0, 100)]), 'GZIP_TRUNCATED'],
    ['cut in its header', packed.subarray(0, 6), 'GZIP_TRUNCATED'],
    [
      'with a wrong checksum',
      Buffer.from(packed.map((byte, i) => (i === packed.length - 6 ? byte ^ 1 : byte))),
      'GZIP_CORRUPT',
    ],
    ['with a flipped bit', Buffer.from(packed.map((byte, i) => (i === 5000 ? byte ^ 16 : byte))), 'GZIP_CORRUPT'],
    ['with text behind it', Buffer.concat([packed, Buffer.from('garbage')]), 'GZIP_CORRUPT'],
    ['with text behind zeros', Buffer.concat([packed, Buffer.alloc(20), Buffer.from('x')]), 'GZIP_CORRUPT'],
    ['with a member behind zeros', Buffer.concat([packed, Buffer.alloc(20), packed]), 'GZIP_CORRUPT'],
  ])('I24: %s is refused', async (_, bytes, code) => {
    expect(await refused(bytes)).toMatchObject({ code, hint: expect.any(String) });
    const settings = fileSettings.parse({});
    await expect(all(readPlaintext(stage(bytes), settings))).rejects.toMatchObject({ code });
  });

  it('I23: a bomb is refused early, by ratio or by size', async () => {
    const bomb = gzipSync(`id,name\n${'1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'.repeat(250_000)}`, { level: 9 });
    const ratio = await refused(bomb);
    expect(ratio).toMatchObject({ code: 'DECOMPRESSION_BOMB', hint: expect.stringContaining('file.limits.ratio') });
    let taken = 0;
    const reading = async () => {
      for await (const chunk of readPlaintext(stage(bomb), fileSettings.parse({}))) taken += chunk.length;
    };
    await expect(reading()).rejects.toMatchObject({ code: 'DECOMPRESSION_BOMB' });
    expect(taken).toBeLessThan(bomb.length * 201);
    expect(taken).toBeLessThan(9_000_000);
    const size = await refused(packed, { file: { limits: { decompressed: '10KB' } } });
    expect(size).toMatchObject({
      code: 'DECOMPRESSION_BOMB',
      hint: expect.stringContaining('file.limits.decompressed'),
    });
  });

  it('I23: gzip inside gzip is refused', async () => {
    expect(await refused(gzipSync(packed))).toMatchObject({ code: 'NESTED_GZIP' });
  });

  it('other kinds of files are named', async () => {
    const refusal = await refused(Buffer.from('d0cf11e0a1b11ae1', 'hex'), { name: 'a.csv' });
    expect(refusal).toMatchObject({ code: 'NOT_TEXT', message: expect.stringContaining('Excel') });
  });

  it('plaintext is what identifies a file: the same bytes, packed or not', async () => {
    const hash = async (bytes: Buffer) => {
      const sha = createHash('sha256');
      for await (const chunk of readPlaintext(stage(bytes), fileSettings.parse({}))) sha.update(chunk);
      return sha.digest('hex');
    };
    const plainHash = createHash('sha256').update(plain).digest('hex');
    expect(await hash(packed)).toBe(plainHash);
    expect(await hash(gzipSync(plain, { level: 1 }))).toBe(plainHash);
    expect(await hash(Buffer.from(plain))).toBe(plainHash);
  });
});
