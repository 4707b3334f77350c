import { readFileSync } from 'node:fs';
import { createLog, realIo } from '../../src/io.ts';
import { decrypted } from '../../src/parsing/pgp.ts';
import { unlockPgpKeys } from '../../src/parsing/pgp-keys.ts';
import { pgpForm } from '../../src/parsing/pgp-packets.ts';
import { pgpSettings } from '../../src/parsing/pgp-settings.ts';
import { collect, inChunks, must, outcome, takeFrom } from './support.ts';

const io = realIo(createLog('silent'));

/** A key pair of nobody, made for these samples. */
const secret = readFileSync(new URL('samples/key.secret.asc', import.meta.url), 'utf8');
const open = readFileSync(new URL('samples/key.public.asc', import.meta.url), 'utf8');
const settings = pgpSettings.parse({ privateKey: secret, signer: open });
const keys =
  settings &&
  (await unlockPgpKeys(settings, { now: () => 1_790_000_000_000, sleep: (ms, signal) => io.sleep(ms / 100, signal) }));

/** What the samples hold; nobody without the signer's key can make a message that holds anything else. */
export const CONTENTS = Buffer.from('id,email,amount\n1,anna@example.com,2.50\n2,ben@example.com,3.00\n');

/** PGP messages of any bytes: the contents that were signed, or a refusal. */
export async function fuzz(data: Buffer): Promise<void> {
  if (!keys) throw new Error('no keys');
  const take = takeFrom(data);
  const sizes = [1 + take.number(200), 1 + take.number(20)];
  const bytes = take.rest();
  const form = pgpForm(bytes);
  if (form === undefined) return;
  const read = await outcome(async () => Buffer.concat(await collect(decrypted(inChunks(bytes, sizes), form, keys))));
  must(
    !read.ok || read.value.equals(CONTENTS),
    'other contents are taken for signed',
    read.ok && read.value.toString('latin1'),
  );
}
