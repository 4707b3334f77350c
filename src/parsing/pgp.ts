import type { DecryptMessageResult, Message } from 'openpgp';
import { FileRefused } from '../model.ts';
import { idOf, type PgpKeys } from './pgp-keys.ts';
import { broken, wholeMessage, withoutArmor } from './pgp-packets.ts';
import { createPgpWait } from './pgp-wait.ts';

type Signatures = DecryptMessageResult['signatures'];

/**
 * Data is given out before the message is authenticated, so that memory does not grow with the file: its modification
 * code and its signature can be checked at its end only. Nothing may be done with it until then. Here nothing is: no row
 * leaves before the seal, and the seal reads to the end.
 */
const STREAMED = { allowUnauthenticatedStream: true };

/**
 * The contents of a PGP message. Throws `FileRefused`: PGP_WRONG_KEY and PGP_BROKEN, and at the end of the data, whatever was
 * given out before, PGP_BROKEN, PGP_UNSIGNED and PGP_SIGNATURE.
 */
export async function* decrypted(
  raw: AsyncIterable<Buffer>,
  form: 'binary' | 'armored',
  keys: PgpKeys,
): AsyncGenerator<Buffer> {
  const { decrypt, readMessage } = await import('openpgp');
  const source = wholeMessage(form === 'armored' ? withoutArmor(raw) : raw);
  const wait = createPgpWait(keys.sleep);
  let reader: AsyncIterator<Uint8Array> | undefined;
  const web = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        wait.reading(true);
        try {
          const next = await source.next();
          wait.reading(false);
          if (next.done) controller.close();
          else controller.enqueue(new Uint8Array(next.value.buffer, next.value.byteOffset, next.value.byteLength));
        } catch (error) {
          wait.raise(error);
          controller.error(error);
        }
      },
      cancel: () => source.return(undefined).then(() => {}),
    },
    { highWaterMark: 0 },
  );
  try {
    const message = await wait.forWork(readMessage({ binaryMessage: web, config: STREAMED }));
    refuseForeign(message, keys);
    const { data, signatures } = await wait.forWork(
      decrypt({
        message,
        decryptionKeys: [...keys.decryption],
        verificationKeys: [...keys.signers],
        format: 'binary',
        date: new Date(keys.signedBefore),
        config: STREAMED,
      }),
    );
    // A reader that stops early never asks for them; a refusal nobody waits for must not end the process.
    for (const { verified, signature } of signatures) {
      verified.catch(() => {});
      signature.catch(() => {});
    }
    const chunks: AsyncIterableIterator<Uint8Array> = data.values();
    reader = chunks;
    for (;;) {
      const next = await wait.forWork(chunks.next());
      if (next.done === true) break;
      yield Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    // What the decryption had no use for must still be looked at.
    while (!(await source.next()).done);
    await wait.forWork(verify(signatures, keys));
  } catch (error) {
    throw error instanceof FileRefused || isDisk(error) ? error : broken(reasonOf(error), error);
  } finally {
    wait.end();
    // Not waited for, since it may never end either.
    reader?.return?.().catch(() => {});
    await source.return(undefined);
  }
}

/** Tells a message for somebody else from a damaged one, which the decryption itself does not. */
function refuseForeign(message: Message<ReadableStream<Uint8Array>>, keys: PgpKeys): void {
  const wanted = message.getEncryptionKeyIDs();
  const own = keys.decryption.flatMap((key) => key.getKeyIDs());
  // An id of zeros hides whom the message is for.
  if (wanted.some((id) => /^0+$/.test(id.toHex()) || own.some((mine) => mine.equals(id)))) return;
  const found =
    wanted.length === 0
      ? 'encrypted with a password, to no key'
      : `encrypted to the key ${wanted.map((id) => id.toHex().toUpperCase()).join(', ')}`;
  throw new FileRefused({
    code: 'PGP_WRONG_KEY',
    message: `the file is ${found}; the job has the key ${own.map((id) => id.toHex().toUpperCase()).join(', ')}`,
    hint: 'Give the sender the public key that belongs to file.pgp.privateKey; or add the private key they used to the list there.',
  });
}

/** Whether the message was signed by one of the signers of the job. */
async function verify(signatures: Signatures, { signers, requireSignature }: PgpKeys): Promise<void> {
  if (signers.length === 0) return;
  const known = `${signers.length === 1 ? 'the signer' : 'one of the signers'} of the job, ${signers.map(idOf).join(', ')},`;
  if (signatures.length === 0) {
    if (!requireSignature) return;
    throw new FileRefused({
      code: 'PGP_UNSIGNED',
      message: `the file is encrypted, but not signed; ${known} should have signed it`,
      hint: 'Ask the sender to sign the files they encrypt (gpg --sign --encrypt), or set file.pgp.requireSignature: false.',
    });
  }
  const found: string[] = [];
  for (const { keyID, verified } of signatures) {
    try {
      await verified;
      return;
    } catch (error) {
      found.push(`the signature by key ${keyID.toHex().toUpperCase()} does not hold (${reasonOf(error)})`);
    }
  }
  throw new FileRefused({
    code: 'PGP_SIGNATURE',
    message: `${found.join('; ')}; ${known} should have signed it`,
    hint: 'Do not use the file. Ask the sender, by other means than mail, whether they sent it; if they sign with a new key, add it to file.pgp.signer.',
  });
}

function isDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^Error decrypting message: /, '').replace(/\.$/, '');
}
