import type { PrivateKey, PublicKey } from 'openpgp';
import { type Io, TransferError } from '../model.ts';
import type { PgpSettings } from './pgp-settings.ts';

/** Keys for reading encrypted files, unlocked. They are in memory only. */
export interface PgpKeys {
  decryption: readonly PrivateKey[];
  signers: readonly PublicKey[];
  requireSignature: boolean;
  /** Signatures from later than this, in milliseconds, are not accepted. */
  signedBefore: number;
  /** For giving up on a decryption that never ends. */
  sleep: Io['sleep'];
}

/** The clock of a sender may be ahead of ours. */
const CLOCK_SKEW = 86_400_000;

/**
 * Reads and unlocks the keys of a job. Throws `TransferError` PGP_KEY_UNUSABLE, which names the field and never shows what
 * stands in it.
 */
export async function unlockPgpKeys(settings: PgpSettings, io: Pick<Io, 'now' | 'sleep'>): Promise<PgpKeys> {
  const { decryptKey } = await import('openpgp');
  const decryption: PrivateKey[] = [];
  for (const key of await readPrivateKeys(settings.privateKey)) {
    if (key.isDecrypted()) {
      decryption.push(key);
      continue;
    }
    const { passphrase } = settings;
    if (passphrase === undefined)
      throw unusable('file.pgp.passphrase', `the private key ${idOf(key)} needs a passphrase, and there is none`);
    try {
      decryption.push(await decryptKey({ privateKey: key, passphrase }));
    } catch (error) {
      throw unusable('file.pgp.passphrase', `the passphrase does not open the private key ${idOf(key)}`, error);
    }
  }
  const signers = settings.signer === undefined ? [] : await readPublicKeys('file.pgp.signer', settings.signer);
  const requireSignature = settings.requireSignature ?? signers.length > 0;
  return { decryption, signers, requireSignature, signedBefore: io.now() + CLOCK_SKEW, sleep: io.sleep };
}

/** Reads private keys without unlocking them. */
export async function readPrivateKeys(texts: readonly string[]): Promise<PrivateKey[]> {
  const { readPrivateKeys: read } = await import('openpgp');
  const keys: PrivateKey[] = [];
  for (const text of texts) {
    try {
      keys.push(...(await read({ armoredKeys: text })));
    } catch (error) {
      throw unusable('file.pgp.privateKey', `${describe(text)}; a private key in armored form is needed`, error);
    }
  }
  return keys;
}

/** Reads public keys; `field` is where the job has them. */
export async function readPublicKeys(field: string, texts: readonly string[]): Promise<PublicKey[]> {
  const { readKeys } = await import('openpgp');
  const keys: PublicKey[] = [];
  for (const text of texts) {
    try {
      const found = await readKeys({ armoredKeys: text });
      if (found.some((key) => key.isPrivate()))
        throw unusable(field, 'found a private key; only the public key of the other side belongs here');
      keys.push(...found);
    } catch (error) {
      if (error instanceof TransferError) throw error;
      throw unusable(field, `${describe(text)}; a public key in armored form is needed`, error);
    }
  }
  return keys;
}

/** The long id of a key, in capitals as gpg shows it. */
export function idOf(key: { getKeyID(): { toHex(): string } }): string {
  return key.getKeyID().toHex().toUpperCase();
}

/** What stands in the place of a key, without showing it. */
function describe(text: string): string {
  const kind = /-----BEGIN ([A-Z0-9 ]{1,60})-----/.exec(text)?.[1];
  if (kind === undefined) return 'found text that is no key block';
  return /^PGP /.test(kind) ? `found a ${kind} that cannot be read` : `found a ${kind}, which is no PGP key`;
}

function unusable(field: string, what: string, cause?: unknown): TransferError {
  return new TransferError('PGP_KEY_UNUSABLE', `${field}: ${what}`, {
    cause,
    hint: `export it with gpg --armor --export${field.endsWith('privateKey') ? '-secret-keys' : ''} KEYID, and refer to the file`,
  });
}
