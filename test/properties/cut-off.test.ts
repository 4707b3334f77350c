import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import type { InputRow } from '../../src/model.ts';
import { openRows } from '../../src/parsing/open.ts';
import { fileSettings } from '../../src/parsing/settings.ts';
import { collect, newFolder, outcome, removeFolders } from '../fuzz/support.ts';

afterAll(removeFolders);

const path = join(newFolder(), 'staged');
const CSV = 'id,amount,note\n1,2.50,"a, b"\n2,3.05,"two\nlines"\n3,4.55,é';
const sample = (name: string): Buffer => readFileSync(new URL(`../fuzz/samples/${name}`, import.meta.url));

interface Sample {
  name: string;
  bytes: Buffer;
  file?: object;
}

/** Read from their end, or with an end of their own: a piece of them is nothing. */
const CLOSED: Readonly<Record<string, Sample>> = {
  gzip: { name: 'a.csv.gz', bytes: gzipSync(CSV) },
  'gzip of two members': { name: 'a.csv.gz', bytes: Buffer.concat([gzipSync(CSV), gzipSync('\n4,5.65,z')]) },
  'zip, deflated': { name: 'a.csv.zip', bytes: sample('deflated.zip') },
  'zip, stored': { name: 'a.csv.zip', bytes: sample('stored.zip') },
  'a JSON array': { name: 'a.json', bytes: Buffer.from('[{"id":"1","amount":2.50},\r\n{"id":"2","amount":[3,{}]}]') },
  'a trailer with count and sum': {
    name: 'a.csv',
    bytes: Buffer.from('id,amount\n1,2.50\n2,3.05\nTRL,2,5.55'),
    file: { trailer: { startsWith: 'TRL', count: 2, sums: { amount: 3 } } },
  },
};

/** Nothing tells of these where they end: the rows before the cut are theirs, and only the last may be cut short. */
const OPEN: Readonly<Record<string, Sample>> = {
  csv: { name: 'a.csv', bytes: Buffer.from(CSV) },
  'csv with CRLF': { name: 'a.csv', bytes: Buffer.from(CSV.replaceAll('\n', '\r\n')) },
  psv: { name: 'a.psv', bytes: Buffer.from(CSV.replaceAll(',', '|')) },
  tsv: { name: 'a.tsv', bytes: Buffer.from(CSV.replaceAll(',', '\t')) },
  'csv in UTF-16': { name: 'a.csv', bytes: Buffer.from(`\ufeff${CSV}`, 'utf16le') },
  'csv in Windows-1252': { name: 'a.csv', bytes: Buffer.from(CSV, 'latin1'), file: { charset: 'windows-1252' } },
  'csv with semicolons': {
    name: 'a.csv',
    bytes: Buffer.from(`\ufeff${CSV.replaceAll(',', ';')}`),
    file: { delimiter: ';' },
  },
  'JSON Lines': { name: 'a.jsonl', bytes: Buffer.from('{"id":"1","amount":2.50}\n{"id":"2","note":"é"}\n{"id":"3"}') },
};

async function read({ name, file = {} }: Sample, bytes: Buffer): Promise<InputRow[] | undefined> {
  writeFileSync(path, bytes);
  const settings = fileSettings.parse(file);
  const got = await outcome(async () => {
    const reader = await openRows({ path, name }, settings, ['id']);
    return (await collect(reader.batches())).flat();
  });
  return got.ok ? got.value : undefined;
}

it.each(Object.entries(CLOSED))('I24, I33: cut off at any byte, no row comes of %s', async (_, sampled) => {
  const { bytes } = sampled;
  const whole = await read(sampled, bytes);
  expect(whole?.length).toBeGreaterThan(0);
  // Where the first of its members ends, gzip is whole.
  const member = gzipSync(CSV).length;
  for (let end = 0; end < bytes.length; end++) {
    const rows = await read(sampled, bytes.subarray(0, end));
    if (sampled === CLOSED['gzip of two members'] && end === member) expect(rows).toHaveLength(3);
    // An empty file is one without rows.
    else expect(rows ?? [], `of the first ${end} bytes`).toEqual([]);
  }
});

it.each(Object.entries(OPEN))(
  'I34: cut off at any byte, the rows before the cut are as they were: %s',
  async (name, sampled) => {
    const { bytes } = sampled;
    const whole = await read(sampled, bytes);
    expect(whole).toHaveLength(3);
    let most = 0;
    for (let end = 0; end < bytes.length; end++) {
      const rows = (await read(sampled, bytes.subarray(0, end))) ?? [];
      expect(rows.slice(0, -1), `of the first ${end} bytes`).toEqual(whole?.slice(0, Math.max(0, rows.length - 1)));
      most = Math.max(most, rows.length);
      const [last, full] = [rows.at(-1), whole?.[rows.length - 1]];
      if (last === undefined || last.fault !== undefined) continue;
      expect([last.line, last.offset]).toEqual([full?.line, full?.offset]);
      if (name === 'JSON Lines') expect(last.values).toEqual(full?.values);
      for (const [i, value] of last.values.entries())
        expect(full?.values[i]?.startsWith(value ?? '') ?? value === undefined, `${value} of ${full?.values[i]}`).toBe(
          true,
        );
    }
    expect(most).toBe(3);
  },
);
