import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import yazl from 'yazl';
import { createLog, realIo } from '../../src/io.ts';
import { openLedger } from '../../src/ledger/open.ts';
import type { Io } from '../../src/model.ts';
import { runPipeline } from '../../src/pipelines/run-pipeline.ts';
import { readJob } from '../../src/schedule/jobs.ts';
import { encryptTo, makeKeys } from '../integration/support/e2e-pgp.ts';
import { csv, type Row, rows } from '../integration/support/e2e-rows.ts';
import { openWorld, PATIENT, type World } from '../integration/support/e2e-world.ts';
import { fromFile } from '../integration/support/usual-job.ts';
import { timeFor } from './support/runs.ts';

let world: World;
/** Whole files by the job that takes them, each with rows of its own. */
const whole: Record<string, { name: string; bytes: Buffer }> = {};

const list = (job: string): Row[] => rows(job.toUpperCase(), 12);

beforeAll(async () => {
  if (existsSync('/dev/shm')) vi.stubEnv('TMPDIR', '/dev/shm');
  world = await openWorld({ extole: { keep: true } });
  const keys = await makeKeys(world.root, 'company');
  const text = (job: string): string => csv(list(job)).trimEnd();
  const job = (id: string, match: string, change: Record<string, unknown> = {}): void =>
    world.job(id, { source: { match }, delivery: { ...PATIENT }, ...change });
  job('trailer', 'trailer-*.csv', { file: { trailer: { startsWith: 'TRL', count: 2 } } });
  whole.trailer = { name: 'csv', bytes: Buffer.from(`${text('trailer')}\nTRL,12`) };
  job('gzip', 'gzip-*.csv.gz');
  whole.gzip = { name: 'csv.gz', bytes: gzipSync(text('gzip')) };
  job('members', 'members-*.csv.gz', { file: { trailer: { startsWith: 'TRL', count: 2 } } });
  whole.members = { name: 'csv.gz', bytes: Buffer.concat([gzipSync(`${text('members')}\n`), gzipSync('TRL,12')]) };
  job('zip', 'zip-*.zip');
  whole.zip = { name: 'zip', bytes: await zipped(text('zip')) };
  job('json', 'json-*.json');
  whole.json = { name: 'json', bytes: Buffer.from(JSON.stringify(list('json'), null, 1)) };
  job('pgp', 'pgp-*.pgp', { file: { pgp: { privateKey: fromFile(keys.secret), signer: fromFile(keys.public) } } });
  whole.pgp = { name: 'csv.pgp', bytes: await encryptTo(keys, text('pgp'), { signedBy: keys }) };
  job('armored', 'armored-*.pgp', { file: { pgp: { privateKey: fromFile(keys.secret) } } });
  whole.armored = { name: 'csv.pgp', bytes: await encryptTo(keys, text('armored'), { armored: true }) };
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await world.close();
});

/** Where a file is cut off: all over it, and at each of its first and last bytes. */
function cuts(length: number): number[] {
  const all = new Set<number>();
  for (let i = 1; i <= 6; i++) all.add(i).add(length - i);
  for (let i = 1; i < 12; i++) all.add(Math.round((length * i) / 12));
  return [...all].filter((end) => end > 0 && end < length).sort((a, b) => a - b);
}

it.each(['trailer', 'gzip', 'members', 'zip', 'json', 'pgp', 'armored'])(
  'I24, I26, I33: not one row leaves of a file that is not whole, wherever it was cut off: %s',
  async (id) => {
    const { name, bytes } = whole[id] ?? { name: '', bytes: Buffer.alloc(0) };
    // The end of armor is a line end, without which the message is whole all the same.
    const length = id === 'armored' ? bytes.toString('latin1').trimEnd().length : bytes.length;
    const parts = cuts(length);
    for (const end of parts) world.drop(`${id}-${end}.${name}`, bytes.subarray(0, end), 1000 - end / 10);
    const before = world.extole.received.length;
    const files = await run(id);
    expect(files.map(({ name: file, state, counts }) => [file, state, counts.read, counts.delivered])).toEqual(
      expect.arrayContaining(parts.map((end) => [`${id}-${end}.${name}`, 'refused', 0, 0])),
    );
    expect(files).toHaveLength(parts.length);
    expect(world.extole.received.length).toBe(before);
    world.drop(`${id}-whole.${name}`, bytes, 1);
    const [good] = await run(id);
    expect(good).toMatchObject({ state: 'processed', counts: { read: 12, delivered: 12 } });
    expect(new Set(world.extole.received.slice(before).map(({ body }) => JSON.stringify(body)))).toHaveProperty(
      'size',
      12,
    );
  },
  timeFor(120_000),
);

it(
  'I26: a PGP message whose decryption never ends is refused, and the file behind it goes on',
  async () => {
    const samples = join(import.meta.dirname, '../fuzz/samples');
    const key = join(world.root, 'samples_key');
    writeFileSync(key, readFileSync(join(samples, 'key.secret.asc')), { mode: 0o600 });
    world.job('stuck', {
      source: { match: 'stuck-*' },
      file: { format: 'csv', pgp: { privateKey: fromFile(key) } },
    });
    // One byte at the beginning of the encrypted data is another: openpgp.js then waits for packets that never come.
    const message = readFileSync(join(samples, 'signed.pgp'));
    message[108] = (message[108] ?? 0) ^ 0x55;
    world.drop('stuck-1.pgp', message, 100);
    world.drop('stuck-2.pgp', readFileSync(join(samples, 'signed.pgp')), 50);
    const before = world.extole.received.length;
    const files = await run('stuck');
    expect(files.map(({ name, refusal }) => [name, refusal?.code])).toEqual([
      ['stuck-1.pgp', 'PGP_BROKEN'],
      ['stuck-2.pgp', 'HEADER_MISSING'],
    ]);
    expect(files[0]?.refusal?.message).toContain('does not come to an end');
    expect(world.extole.received.length).toBe(before);
  },
  timeFor(120_000),
);

async function run(id: string) {
  const real = realIo(createLog('silent'));
  // Half a minute without any progress is waited for; here it is a second.
  const sleep: Io['sleep'] = (ms, signal) => real.sleep(ms === 5000 ? 150 : ms, signal);
  const io: Io = { ...real, sleep, env: world.env };
  const job = await readJob(world.jobs, id, io.env);
  const ledger = await openLedger(join(world.state, 'ledger.sqlite'), 'command', io);
  try {
    const signal = new AbortController().signal;
    const { account } = await runPipeline({ job, ledger, io, signal, state: world.state, cause: 'command' });
    expect(account.balanced).toBe(true);
    return account.files;
  } finally {
    await ledger.close();
  }
}

async function zipped(contents: string): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  zip.addBuffer(Buffer.from(contents), 'inner.csv');
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
