import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { fuzz as classify } from '../fuzz/classify.fuzz.ts';
import { fuzz as jobFile } from '../fuzz/job-file.fuzz.ts';
import { fuzz as json } from '../fuzz/json.fuzz.ts';
import { fuzz as manifest } from '../fuzz/manifest.fuzz.ts';
import { fuzz as names } from '../fuzz/names.fuzz.ts';
import { fuzz as packed } from '../fuzz/packed.fuzz.ts';
import { fuzz as pgp } from '../fuzz/pgp.fuzz.ts';
import { fuzz as records } from '../fuzz/records.fuzz.ts';
import { fuzz as results } from '../fuzz/results.fuzz.ts';
import { fuzz as rows } from '../fuzz/rows.fuzz.ts';
import { found, SEEDS } from '../fuzz/seeds.ts';
import { removeFolders } from '../fuzz/support.ts';
import { fuzz as values } from '../fuzz/values.fuzz.ts';
import { budget, runs, timeFor } from './support/runs.ts';

const TARGETS: Readonly<Record<string, (data: Buffer) => void | Promise<void>>> = {
  classify,
  'job-file': jobFile,
  json,
  manifest,
  names,
  packed,
  pgp,
  records,
  results,
  rows,
  values,
};

/** Places at which the samples of one target are cut off, all together. */
const CUTS = 400;

afterAll(removeFolders);

/** Ways to damage bytes, played one after the other. */
const damage = fc.array(
  fc.oneof(
    fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      byte: fc.integer({ min: 1, max: 255 }),
    }),
    fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      insert: fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .constantFrom('"', '\\', '\r', '\n', '\0', '{', ']', ',', '%', '\ud83d', '\u202e')
          .map((text) => new TextEncoder().encode(text)),
      ),
    }),
    fc.record({ from: fc.double({ min: 0, max: 1, noNaN: true }), again: fc.integer({ min: 1, max: 40 }) }),
  ),
  { minLength: 1, maxLength: 4 },
);
type Damage = typeof damage extends fc.Arbitrary<infer D> ? D : never;

function damaged(bytes: Buffer, how: Damage): Buffer {
  let now = bytes;
  for (const one of how) {
    if ('cut' in one) now = now.subarray(0, Math.round(now.length * one.cut));
    else if ('byte' in one) {
      now = Buffer.from(now);
      const at = Math.floor(now.length * one.at);
      if (at < now.length) now[at] = (now[at] ?? 0) ^ one.byte;
    } else if ('insert' in one) {
      const at = Math.round(now.length * one.at);
      now = Buffer.concat([now.subarray(0, at), one.insert, now.subarray(at)]);
    } else {
      const at = Math.round(now.length * one.from);
      now = Buffer.concat([now.subarray(0, at), now.subarray(at, at + one.again), now.subarray(at)]);
    }
  }
  return now;
}

describe.each(Object.keys(TARGETS))('%s', (target) => {
  const fuzz = TARGETS[target] ?? (() => {});
  const seeds = SEEDS[target] ?? [];

  it('takes what fuzzing found once', async () => {
    expect(seeds.length).toBeGreaterThan(0);
    for (const { name, bytes } of found(target))
      await expect(Promise.resolve(fuzz(bytes)), name).resolves.toBeUndefined();
  });

  it(
    'ends in a result or a refusal where a good input is damaged anywhere, or is of any bytes',
    async () => {
      for (const seed of seeds) await fuzz(seed);
      const over = budget(2500, 100);
      const any = fc.oneof(
        { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...seeds), damage).map(([seed, how]) => damaged(seed, how)) },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes)) },
      );
      await fc.assert(
        fc.asyncProperty(any, async (bytes) => {
          if (!over()) await fuzz(bytes);
        }),
        runs(400),
      );
    },
    timeFor(60_000),
  );

  it(
    'ends in a result or a refusal where a good input is cut off at any byte',
    async () => {
      // Every sample; of a long one as many places as of the others.
      const places = Math.max(12, Math.ceil(CUTS / seeds.length));
      let played = 0;
      for (const seed of seeds) {
        const step = Math.max(1, Math.floor(seed.length / places));
        for (let end = 0; end < seed.length; end += step, played++) await fuzz(seed.subarray(0, end));
      }
      expect(played).toBeGreaterThanOrEqual(seeds.reduce((sum, { length }) => sum + Math.min(length, 12), 0));
    },
    timeFor(60_000),
  );
});
