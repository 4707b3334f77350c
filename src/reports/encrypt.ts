import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { TransferError } from '../model.ts';

/** Takes plain bytes, in order; gives encrypted ones to `put`. Nothing of the plain bytes is kept. */
export interface Encryption {
  /** Resolves when more is welcome. The bytes are copied. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when the last encrypted byte was put. */
  end(): Promise<void>;
  /** Ends it somewhere in the middle. */
  abort(): Promise<void>;
}

/**
 * Encrypts to the public keys (armored text), each of which can then decrypt, in binary form, as bytes come. Throws `TransferError`
 * ENCRYPT_TO_UNUSABLE where a key cannot be read, has expired or cannot encrypt.
 */
export async function startEncryption(
  keyTexts: readonly string[],
  put: (bytes: Uint8Array) => Promise<void>,
): Promise<Encryption> {
  const { createMessage, encrypt, readKeys } = await import('openpgp');
  const plain = new PassThrough({ highWaterMark: 1 << 18 });
  const chunks = plain[Symbol.asyncIterator]();
  const source = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(new Uint8Array(next.value));
      },
    },
    { highWaterMark: 0 },
  );
  let encrypted: ReadableStream<Uint8Array>;
  try {
    const encryptionKeys = (await Promise.all(keyTexts.map((text) => readKeys({ armoredKeys: text })))).flat();
    const message = await createMessage({ binary: source });
    encrypted = await encrypt({ message, encryptionKeys, format: 'binary' });
  } catch (error) {
    plain.destroy();
    throw new TransferError('ENCRYPT_TO_UNUSABLE', `report.encryptTo: ${reasonOf(error)}`, {
      cause: error,
      hint: 'ask for a public key that is valid and can encrypt; referry doctor tells when one expires. No row is sent again meanwhile',
    });
  }
  let failure: unknown;
  const draining = (async () => {
    try {
      for await (const chunk of encrypted) await put(chunk);
    } catch (error) {
      failure = error;
      plain.destroy();
    }
  })();
  return {
    write: async (bytes) => {
      if (failure !== undefined) throw failure;
      if (!plain.write(Buffer.from(bytes))) await Promise.race([once(plain, 'drain'), draining]);
    },
    end: async () => {
      plain.end();
      await draining;
      if (failure !== undefined) throw failure;
    },
    abort: async () => {
      plain.destroy();
      await draining;
    },
  };
}

/** Tries the keys out. Throws `TransferError` ENCRYPT_TO_UNUSABLE. */
export async function checkEncryption(keyTexts: readonly string[]): Promise<void> {
  const encryption = await startEncryption(keyTexts, async () => {});
  await encryption.end();
}

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/^Error encrypting message: /, '');
}
